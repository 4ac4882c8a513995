"""Prometheus metrics of NATS; see `anystream.prometheus`."""

from anystream.nats.prometheus import NatsPrometheusMiddleware

__all__ = ("NatsPrometheusMiddleware",)
