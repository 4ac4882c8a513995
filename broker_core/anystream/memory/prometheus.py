"""Prometheus metrics, see `anystream.prometheus`."""

from __future__ import annotations

from anystream.memory.observed import OBSERVED
from anystream.prometheus.of_broker import BrokerMetrics

__all__ = ("MemoryPrometheusMiddleware",)


class MemoryPrometheusMiddleware(BrokerMetrics):
    """Metrics of this broker; for its options see `PrometheusOptions`."""

    observed = OBSERVED
