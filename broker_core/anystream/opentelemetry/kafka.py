"""OpenTelemetry traces and metrics of Kafka (aiokafka); see `anystream.opentelemetry`."""

from anystream.kafka.opentelemetry import KafkaTelemetryMiddleware

__all__ = ("KafkaTelemetryMiddleware",)
