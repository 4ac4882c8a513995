"""Message handlers on RabbitMQ in a FastAPI application."""

# FastAPI evaluates annotations of this module: no `from __future__ import annotations` here.
from typing import Annotated, Any

from anystream.fastapi.context import Context, ContextRepo, Logger
from anystream.fastapi.router import StreamRouter
from anystream.rabbit.broker import RabbitBroker as _Broker
from anystream.rabbit.message import RabbitMessage as _Message

__all__ = (
    "Context",
    "ContextRepo",
    "Logger",
    "RabbitBroker",
    "RabbitMessage",
    "RabbitProducer",
    "RabbitRouter",
)

RabbitBroker = Annotated[_Broker, Context("broker")]
RabbitMessage = Annotated[_Message, Context("message")]
RabbitProducer = Annotated[Any, Context("broker.producer")]


class RabbitRouter(StreamRouter):
    """A FastAPI router with handlers of messages; see `StreamRouter`.

    Args:
        url: see `RabbitBroker`.
        **options: those of `StreamRouter`, of `APIRouter` and of `RabbitBroker`.
    """

    broker: _Broker
    broker_class = _Broker
