"""Prometheus metrics of Redis; see `anystream.prometheus`."""

from anystream.redis.prometheus import RedisPrometheusMiddleware

__all__ = ("RedisPrometheusMiddleware",)
