"""Which brokers send in place of others in the running task, see `isolation`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anystream.core.isolation import Copies

stand_ins: ContextVar[Copies | None] = ContextVar("anystream_stand_ins", default=None)
