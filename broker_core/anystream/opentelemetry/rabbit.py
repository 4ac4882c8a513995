"""OpenTelemetry traces and metrics of RabbitMQ; see `anystream.opentelemetry`."""

from anystream.rabbit.opentelemetry import RabbitTelemetryMiddleware

__all__ = ("RabbitTelemetryMiddleware",)
