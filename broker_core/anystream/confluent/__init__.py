"""Kafka through confluent-kafka (librdkafka)."""

from typing import TYPE_CHECKING

try:
    from confluent_kafka import libversion as _  # noqa: F401 - whether it is there
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "confluent_kafka":
        raise
    raise ImportError(
        "anystream.confluent needs the client library confluent-kafka: "
        'pip install "anystream[confluent]"'
    ) from error

from anystream.confluent.broker import KafkaBroker
from anystream.confluent.declarations import KafkaPublisher, KafkaRoute, KafkaRouter
from anystream.confluent.message import ConfluentParserType
from anystream.confluent.response import KafkaPublishCommand, KafkaPublishMessage, KafkaResponse
from anystream.confluent.schemas import TopicPartition
from anystream.core.lazy_names import lazy_names
from anystream.kafka_common.topics import Topic

if TYPE_CHECKING:
    from anystream.confluent.annotations import KafkaMessage
    from anystream.confluent.testing import TestKafkaBroker
    from anystream.core.testing import TestApp

__all__ = (
    "ConfluentParserType",
    "KafkaBroker",
    "KafkaMessage",
    "KafkaPublishCommand",
    "KafkaPublishMessage",
    "KafkaPublisher",
    "KafkaResponse",
    "KafkaRoute",
    "KafkaRouter",
    "TestApp",
    "TestKafkaBroker",
    "Topic",
    "TopicPartition",
)

__getattr__ = lazy_names(
    __name__,
    {
        "KafkaMessage": "anystream.confluent.annotations",
        "TestKafkaBroker": "anystream.confluent.testing",
        "TestApp": "anystream.core.testing",
    },
)
