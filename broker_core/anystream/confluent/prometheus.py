"""Prometheus metrics, see `anystream.prometheus`."""

from __future__ import annotations

from anystream.confluent.observed import OBSERVED
from anystream.prometheus.of_broker import BrokerMetrics

__all__ = ("KafkaPrometheusMiddleware",)


class KafkaPrometheusMiddleware(BrokerMetrics):
    """Metrics of this broker; for its options see `PrometheusOptions`."""

    observed = OBSERVED
