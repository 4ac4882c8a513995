"""Prometheus metrics, see `anystream.prometheus`."""

from __future__ import annotations

from typing_extensions import Unpack

from anystream.confluent.observed import OBSERVED
from anystream.prometheus import PrometheusMiddleware
from anystream.prometheus.options import PrometheusOptions

__all__ = ("KafkaPrometheusMiddleware",)


class KafkaPrometheusMiddleware(PrometheusMiddleware):
    """Metrics of this broker.

    Args:
        **options: see `PrometheusOptions`.
    """

    def __init__(self, **options: Unpack[PrometheusOptions]) -> None:
        super().__init__(OBSERVED, **options)
