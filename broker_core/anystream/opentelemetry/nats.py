"""OpenTelemetry traces and metrics of NATS; see `anystream.opentelemetry`."""

from anystream.nats.opentelemetry import NatsTelemetryMiddleware

__all__ = ("NatsTelemetryMiddleware",)
