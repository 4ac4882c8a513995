"""Prometheus metrics, see `anystream.prometheus`."""

from __future__ import annotations

from anystream.nats.observed import OBSERVED
from anystream.prometheus.of_broker import BrokerMetrics

__all__ = ("NatsPrometheusMiddleware",)


class NatsPrometheusMiddleware(BrokerMetrics):
    """Metrics of this broker; for its options see `PrometheusOptions`."""

    observed = OBSERVED
