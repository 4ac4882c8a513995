"""Message handlers on the embedded broker in a FastAPI application."""

# FastAPI evaluates annotations of this module: no `from __future__ import annotations` here.
from typing import Annotated

from anystream.fastapi.context import Context, ContextRepo, Logger
from anystream.fastapi.router import StreamRouter
from anystream.memory.broker import MemoryBroker as _Broker
from anystream.memory.message import MemoryMessage as _Message

__all__ = (
    "Context",
    "ContextRepo",
    "Logger",
    "MemoryBroker",
    "MemoryMessage",
    "MemoryRouter",
)

MemoryBroker = Annotated[_Broker, Context("broker")]
MemoryMessage = Annotated[_Message, Context("message")]


class MemoryRouter(StreamRouter):
    """A FastAPI router with handlers of messages; see `StreamRouter`.

    Args:
        bus: see `MemoryBroker`.
        **options: those of `StreamRouter`, of `APIRouter` and of `MemoryBroker`.
    """

    broker: _Broker
    broker_class = _Broker
