"""The client library's message, made of what was delivered when somebody looks into it.

Making one costs more than handling a small message, and most handlers never see it.
"""

from __future__ import annotations

from typing import Any

from aio_pika import IncomingMessage
from aiormq.abc import DeliveredMessage

_FILL = IncomingMessage.__init__


class Incoming(IncomingMessage):
    """An `aio_pika.IncomingMessage` whose attributes are read from the delivery on first access.

    Args:
        delivered: what the channel delivered.
        holder: counts what is not acknowledged yet; None when nothing is acknowledged.
    """

    __slots__ = ("_delivered", "_filled", "_holder", "_settled")

    def __init__(self, delivered: DeliveredMessage, holder: Any = None) -> None:
        set_slot = object.__setattr__
        set_slot(self, "_delivered", delivered)
        set_slot(self, "_holder", holder)
        set_slot(self, "_filled", False)
        set_slot(self, "_settled", False)

    def __getattr__(self, name: str) -> Any:
        # called for slots that are not filled yet
        if name.startswith("__") or self._filled:
            raise AttributeError(name)
        object.__setattr__(self, "_filled", True)
        _FILL(self, self._delivered, no_ack=self._holder is None)
        if self._settled:
            self.note_settled()
        return getattr(self, name)

    @property
    def settled_by_hand(self) -> bool:
        """Whether the user has acknowledged it with the client library's own methods."""
        return bool(self._filled and self.processed)

    def note_settled(self) -> None:
        """Takes note that it was acknowledged below the client library."""
        object.__setattr__(self, "_settled", True)
        if self._filled and not self.processed:
            object.__setattr__(self, "_IncomingMessage__processed", True)
            self.lock()

    async def ack(self, multiple: bool = False) -> None:
        await super().ack(multiple)
        self._count_out(multiple)

    async def nack(self, multiple: bool = False, requeue: bool = True) -> None:
        await super().nack(multiple, requeue)
        self._count_out(multiple)

    async def reject(self, requeue: bool = False) -> None:
        await super().reject(requeue)
        self._count_out(False)

    def _count_out(self, multiple: bool) -> None:
        if self._holder is not None:
            self._holder.settled(self._delivered.delivery_tag, multiple)
