"""OpenTelemetry traces and metrics, see `anystream.opentelemetry`."""

from __future__ import annotations

from typing_extensions import Unpack

from anystream.opentelemetry.of_broker import BrokerTraces
from anystream.opentelemetry.options import TelemetryOptions
from anystream.rabbit.observed import OBSERVED

__all__ = ("RabbitTelemetryMiddleware",)


class RabbitTelemetryMiddleware(BrokerTraces):
    """Traces of this broker; for its options see `TelemetryOptions`. `include_messages_counters`
    is False by default."""

    observed = OBSERVED

    def __init__(self, **options: Unpack[TelemetryOptions]) -> None:
        options.setdefault("include_messages_counters", False)
        super().__init__(**options)
