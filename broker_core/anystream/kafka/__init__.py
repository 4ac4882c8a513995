"""Kafka by aiokafka."""

from typing import TYPE_CHECKING

try:
    from aiokafka import ConsumerRecord
    from aiokafka.structs import RecordMetadata, TopicPartition
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "aiokafka":
        raise
    raise ImportError(
        'anystream.kafka needs the client library aiokafka: pip install "anystream[kafka]"'
    ) from error

from anystream.core.lazy_names import lazy_names
from anystream.kafka.broker import KafkaBroker
from anystream.kafka.declarations import KafkaPublisher, KafkaRoute, KafkaRouter
from anystream.kafka.message import KafkaParserType
from anystream.kafka_common.response import KafkaPublishCommand, KafkaPublishMessage, KafkaResponse
from anystream.kafka_common.topics import Topic

if TYPE_CHECKING:
    from anystream.core.testing import TestApp
    from anystream.kafka.annotations import KafkaMessage
    from anystream.kafka.testing import TestKafkaBroker

__all__ = (
    "ConsumerRecord",
    "KafkaBroker",
    "KafkaMessage",
    "KafkaParserType",
    "KafkaPublishCommand",
    "KafkaPublishMessage",
    "KafkaPublisher",
    "KafkaResponse",
    "KafkaRoute",
    "KafkaRouter",
    "RecordMetadata",
    "TestApp",
    "TestKafkaBroker",
    "Topic",
    "TopicPartition",
)

__getattr__ = lazy_names(
    __name__,
    {
        "KafkaMessage": "anystream.kafka.annotations",
        "TestKafkaBroker": "anystream.kafka.testing",
        "TestApp": "anystream.core.testing",
    },
)
