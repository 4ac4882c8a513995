"""Prometheus metrics of Kafka (confluent-kafka); see `anystream.prometheus`."""

from anystream.confluent.prometheus import KafkaPrometheusMiddleware

__all__ = ("KafkaPrometheusMiddleware",)
