"""Prometheus metrics of what goes through a broker."""

try:
    import prometheus_client as _client
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "prometheus_client":
        raise
    raise ImportError(
        "Prometheus middlewares need the client library prometheus-client: "
        'pip install "anystream[prometheus]"'
    ) from error

from anystream.core.observed import ConsumeAttrs
from anystream.prometheus.middleware import MetricsSettingsProvider, PrometheusMiddleware

__all__ = ("ConsumeAttrs", "MetricsSettingsProvider", "PrometheusMiddleware")

del _client
