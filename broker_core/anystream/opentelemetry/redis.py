"""OpenTelemetry traces and metrics of Redis; see `anystream.opentelemetry`."""

from anystream.redis.opentelemetry import RedisTelemetryMiddleware

__all__ = ("RedisTelemetryMiddleware",)
