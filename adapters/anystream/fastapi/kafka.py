"""Message handlers on Kafka (aiokafka) in a FastAPI application."""

# FastAPI evaluates annotations of this module: no `from __future__ import annotations` here.
from typing import Annotated

from aiokafka import AIOKafkaProducer as _Producer

from anystream.fastapi.context import Context, ContextRepo, Logger
from anystream.fastapi.router import StreamRouter
from anystream.kafka.broker import KafkaBroker as _Broker
from anystream.kafka.message import KafkaMessage as _Message

__all__ = (
    "Context",
    "ContextRepo",
    "KafkaBroker",
    "KafkaMessage",
    "KafkaProducer",
    "KafkaRouter",
    "Logger",
)

KafkaBroker = Annotated[_Broker, Context("broker")]
KafkaMessage = Annotated[_Message, Context("message")]
KafkaProducer = Annotated[_Producer, Context("broker.connection")]


class KafkaRouter(StreamRouter):
    """A FastAPI router with handlers of messages; see `StreamRouter`.

    Args:
        bootstrap_servers: see `KafkaBroker`.
        **options: those of `StreamRouter`, of `APIRouter` and of `KafkaBroker`.
    """

    broker: _Broker
    broker_class = _Broker
