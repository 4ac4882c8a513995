"""What goes out; the same for both Kafka clients."""

from anystream.kafka_common.response import (
    KafkaPublishCommand,
    KafkaPublishMessage,
    KafkaResponse,
)

__all__ = ("KafkaPublishCommand", "KafkaPublishMessage", "KafkaResponse")
