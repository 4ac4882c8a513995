"""OpenTelemetry traces and metrics, see `anystream.opentelemetry`."""

from __future__ import annotations

from anystream.opentelemetry.of_broker import BrokerTraces
from anystream.redis.observed import OBSERVED

__all__ = ("RedisTelemetryMiddleware",)


class RedisTelemetryMiddleware(BrokerTraces):
    """Traces of this broker; for its options see `TelemetryOptions`."""

    observed = OBSERVED
