"""Prometheus metrics, see `anystream.prometheus`."""

from __future__ import annotations

from anystream.prometheus.of_broker import BrokerMetrics
from anystream.redis.observed import OBSERVED

__all__ = ("RedisPrometheusMiddleware",)


class RedisPrometheusMiddleware(BrokerMetrics):
    """Metrics of this broker; for its options see `PrometheusOptions`."""

    observed = OBSERVED
