"""OpenTelemetry traces and metrics, see `anystream.opentelemetry`."""

from __future__ import annotations

from anystream.memory.observed import OBSERVED
from anystream.opentelemetry.of_broker import BrokerTraces

__all__ = ("MemoryTelemetryMiddleware",)


class MemoryTelemetryMiddleware(BrokerTraces):
    """Traces of this broker; for its options see `TelemetryOptions`."""

    observed = OBSERVED
