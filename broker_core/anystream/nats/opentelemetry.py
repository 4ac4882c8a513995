"""OpenTelemetry traces and metrics, see `anystream.opentelemetry`."""

from __future__ import annotations

from anystream.nats.observed import OBSERVED
from anystream.opentelemetry.of_broker import BrokerTraces

__all__ = ("NatsTelemetryMiddleware",)


class NatsTelemetryMiddleware(BrokerTraces):
    """Traces of this broker; for its options see `TelemetryOptions`."""

    observed = OBSERVED
