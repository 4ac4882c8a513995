"""Prometheus metrics, see `anystream.prometheus`."""

from __future__ import annotations

from typing_extensions import Unpack

from anystream.prometheus import PrometheusMiddleware
from anystream.prometheus.options import PrometheusOptions
from anystream.rabbit.observed import OBSERVED

__all__ = ("RabbitPrometheusMiddleware",)


class RabbitPrometheusMiddleware(PrometheusMiddleware):
    """Metrics of this broker.

    Args:
        **options: see `PrometheusOptions`.
    """

    def __init__(self, **options: Unpack[PrometheusOptions]) -> None:
        super().__init__(OBSERVED, **options)
