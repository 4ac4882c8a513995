"""Message handlers on NATS in a FastAPI application."""

# FastAPI evaluates annotations of this module: no `from __future__ import annotations` here.
from typing import Annotated

from nats.aio.client import Client as _Client
from nats.js import JetStreamContext as _JetStream

from anystream.fastapi.context import Context, ContextRepo, Logger
from anystream.fastapi.router import StreamRouter
from anystream.nats.broker import NatsBroker as _Broker
from anystream.nats.message import NatsMessage as _Message

__all__ = (
    "Client",
    "Context",
    "ContextRepo",
    "JsClient",
    "Logger",
    "NatsBroker",
    "NatsMessage",
    "NatsRouter",
)

NatsBroker = Annotated[_Broker, Context("broker")]
NatsMessage = Annotated[_Message, Context("message")]
Client = Annotated[_Client, Context("broker.connection")]
JsClient = Annotated[_JetStream, Context("broker.jetstream")]


class NatsRouter(StreamRouter):
    """A FastAPI router with handlers of messages; see `StreamRouter`.

    Args:
        servers: see `NatsBroker`.
        **options: those of `StreamRouter`, of `APIRouter` and of `NatsBroker`.
    """

    broker: _Broker
    broker_class = _Broker
