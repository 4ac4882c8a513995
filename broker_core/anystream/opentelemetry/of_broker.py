"""The middleware with a broker's own names; each broker package derives its class from this one."""

from __future__ import annotations

from typing_extensions import Unpack

from anystream.core.observed import Observed
from anystream.opentelemetry.middleware import TelemetryMiddleware
from anystream.opentelemetry.options import TelemetryOptions


class BrokerTraces(TelemetryMiddleware):
    """Traces (and metrics) of one kind of broker.

    Args:
        **options: see `TelemetryOptions`.
    """

    observed: Observed

    def __init__(self, **options: Unpack[TelemetryOptions]) -> None:
        super().__init__(self.observed, **options)
