"""Message handlers on Kafka (confluent-kafka) in a FastAPI application."""

# FastAPI evaluates annotations of this module: no `from __future__ import annotations` here.
from typing import Annotated, Any

from anystream.confluent.broker import KafkaBroker as _Broker
from anystream.confluent.message import KafkaMessage as _Message
from anystream.fastapi.context import Context, ContextRepo, Logger
from anystream.fastapi.router import StreamRouter

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
KafkaProducer = Annotated[Any, Context("broker.connection")]


class KafkaRouter(StreamRouter):
    """A FastAPI router with handlers of messages; see `StreamRouter`.

    Args:
        bootstrap_servers: see `KafkaBroker`.
        **options: those of `StreamRouter`, of `APIRouter` and of `KafkaBroker`.
    """

    broker: _Broker
    broker_class = _Broker
