"""Ready-made annotations for handlers of Kafka."""

from __future__ import annotations

from typing import Annotated

from aiokafka import AIOKafkaConsumer as _Consumer
from aiokafka import AIOKafkaProducer as _Producer

from anystream.core.annotations import ContextRepo, Logger, NoCast
from anystream.core.params import Context
from anystream.kafka.broker import KafkaBroker as _Broker
from anystream.kafka.message import KafkaMessage as _Message

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
KafkaProducer = Annotated[_Producer, Context("broker.connection")]
Consumer = Annotated[_Consumer, Context("message.consumer")]
