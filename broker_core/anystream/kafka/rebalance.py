"""What happens when a group divides its partitions anew."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import ConsumerRebalanceListener
from aiokafka.structs import TopicPartition

EMPTY_REMINDER = 120.0

Say = Callable[[int, str], None]


class Rebalancing(ConsumerRebalanceListener):
    """Lets handlers end and commits before partitions go, then tells the user's listener.

    Args:
        listener: the user's, or None.
        begin: called with the partitions that came.
        give_up: called with the partitions that go, and whether they are lost already (the group
            has taken this member for dead: nothing can be committed any more).
        is_lost: whether they are.
        owner: the subscriber, for messages.
        say: writes a log line with a level.
    """

    def __init__(
        self,
        listener: Any,
        begin: Callable[[Iterable[TopicPartition]], Awaitable[None]],
        give_up: Callable[[Iterable[TopicPartition], bool], Awaitable[None]],
        is_lost: Callable[[], bool],
        owner: str,
        say: Say,
    ) -> None:
        self.listener = listener
        self.begin = begin
        self.give_up = give_up
        self.is_lost = is_lost
        self.log = AssignmentLog(owner, say)
        self.settled = asyncio.Event()  # everybody has been told of the present partitions

    # the client awaits what these return, though its annotations do not say so
    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        """Called by the client before it joins the group again; the group waits for it."""
        self.settled.clear()
        gone = set(revoked)
        lost = bool(gone) and self.is_lost()
        try:
            await self.give_up(gone, lost)
        finally:
            self.log.cancel()
            name = "on_partitions_revoked"
            if lost and hasattr(self.listener, "on_partitions_lost"):
                name = "on_partitions_lost"
            await _tell(self.listener, name, gone)

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, assigned: Iterable[TopicPartition]
    ) -> None:
        """Called by the client when it knows its partitions."""
        got = set(assigned)
        try:
            await self.begin(got)
            self.log.assigned(got)
            await _tell(self.listener, "on_partitions_assigned", got)
        finally:
            self.settled.set()


class AssignmentLog:
    """Says which partitions a member has; warns of none, once more after two minutes."""

    def __init__(self, owner: str, say: Say) -> None:
        self.owner = owner
        self.say = say
        self._reminder: asyncio.TimerHandle | None = None

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Writes the line."""
        self.cancel()
        names = ", ".join(f"{tp.topic}-{tp.partition}" for tp in sorted(partitions))
        if names:
            self.say(logging.INFO, f"{self.owner} reads {names}")
            return
        text = (
            f"{self.owner} has no partition: the group has more members than the topics have "
            "partitions, or the topics do not exist"
        )
        self.say(logging.WARNING, text)
        loop = asyncio.get_running_loop()
        self._reminder = loop.call_later(
            EMPTY_REMINDER, self.say, logging.WARNING, f"{text}; still so after two minutes"
        )

    def cancel(self) -> None:
        """No reminder is due any more."""
        if self._reminder is not None:
            self._reminder.cancel()
            self._reminder = None


async def _tell(listener: Any, name: str, partitions: set[TopicPartition]) -> None:
    told = getattr(listener, name, None)
    if told is not None:
        result = told(partitions)
        if inspect.isawaitable(result):
            await result
