"""Prometheus metrics, see `anystream.prometheus`."""

from __future__ import annotations

from anystream.prometheus.of_broker import BrokerMetrics
from anystream.rabbit.observed import OBSERVED

__all__ = ("RabbitPrometheusMiddleware",)


class RabbitPrometheusMiddleware(BrokerMetrics):
    """Metrics of this broker; for its options see `PrometheusOptions`."""

    observed = OBSERVED
