"""OpenTelemetry traces and metrics of the embedded broker; see `anystream.opentelemetry`."""

from anystream.memory.opentelemetry import MemoryTelemetryMiddleware

__all__ = ("MemoryTelemetryMiddleware",)
