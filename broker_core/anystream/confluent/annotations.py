"""Ready-made annotations for handlers of Kafka through librdkafka."""

from __future__ import annotations

from typing import Annotated, Any

from anystream.confluent.broker import KafkaBroker as _Broker
from anystream.confluent.consumer import KafkaConsumer as _Consumer
from anystream.confluent.message import KafkaMessage as _Message
from anystream.core.annotations import ContextRepo, Logger, NoCast
from anystream.core.params import Context

__all__ = (
    "Consumer",
    "ContextRepo",
    "KafkaBroker",
    "KafkaMessage",
    "KafkaProducer",
    "Logger",
    "NoCast",
)

KafkaBroker = Annotated[_Broker, Context("broker")]
KafkaMessage = Annotated[_Message, Context("message")]
KafkaProducer = Annotated[Any, Context("broker.connection")]
Consumer = Annotated[_Consumer, Context("message.consumer")]
