"""OpenTelemetry traces and metrics, see `anystream.opentelemetry`."""

from __future__ import annotations

from typing_extensions import Unpack

from anystream.opentelemetry import TelemetryMiddleware
from anystream.opentelemetry.options import TelemetryOptions
from anystream.redis.observed import OBSERVED

__all__ = ("RedisTelemetryMiddleware",)


class RedisTelemetryMiddleware(TelemetryMiddleware):
    """Traces of this broker.

    Args:
        **options: see `TelemetryOptions`.
    """

    def __init__(self, **options: Unpack[TelemetryOptions]) -> None:
        super().__init__(OBSERVED, **options)
