"""Prometheus metrics of the embedded broker; see `anystream.prometheus`."""

from anystream.memory.prometheus import MemoryPrometheusMiddleware

__all__ = ("MemoryPrometheusMiddleware",)
