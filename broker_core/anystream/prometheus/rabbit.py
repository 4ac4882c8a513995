"""Prometheus metrics of RabbitMQ; see `anystream.prometheus`."""

from anystream.rabbit.prometheus import RabbitPrometheusMiddleware

__all__ = ("RabbitPrometheusMiddleware",)
