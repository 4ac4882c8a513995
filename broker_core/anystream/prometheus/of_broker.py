"""The middleware with a broker's own names; each broker package derives its class from this one."""

from __future__ import annotations

from typing_extensions import Unpack

from anystream.core.observed import Observed
from anystream.prometheus.middleware import PrometheusMiddleware
from anystream.prometheus.options import PrometheusOptions


class BrokerMetrics(PrometheusMiddleware):
    """Metrics of one kind of broker.

    Args:
        **options: see `PrometheusOptions`.
    """

    observed: Observed

    def __init__(self, **options: Unpack[PrometheusOptions]) -> None:
        super().__init__(self.observed, **options)
