"""Prometheus metrics of Kafka (aiokafka); see `anystream.prometheus`."""

from anystream.kafka.prometheus import KafkaPrometheusMiddleware

__all__ = ("KafkaPrometheusMiddleware",)
