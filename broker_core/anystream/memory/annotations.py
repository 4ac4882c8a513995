"""Ready-made annotations for handlers of the embedded broker."""

from __future__ import annotations

from typing import Annotated

from anystream.core.annotations import ContextRepo, Logger, NoCast
from anystream.core.params import Context
from anystream.memory.broker import MemoryBroker as _Broker
from anystream.memory.message import MemoryMessage as _Message

__all__ = ("ContextRepo", "Logger", "MemoryBroker", "MemoryMessage", "NoCast")

MemoryBroker = Annotated[_Broker, Context("broker")]
MemoryMessage = Annotated[_Message, Context("message")]
