"""OpenTelemetry traces and metrics of Kafka (confluent-kafka); see `anystream.opentelemetry`."""

from anystream.confluent.opentelemetry import KafkaTelemetryMiddleware

__all__ = ("KafkaTelemetryMiddleware",)
