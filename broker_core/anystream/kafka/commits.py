"""Commits of one consumer: what was handled, now or in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import errors as native
from aiokafka.structs import TopicPartition

from anystream.kafka.errors import CommitFailed
from anystream.kafka_common.offsets import Key, OffsetBook

MANY_HELD_BACK = 10_000


class Commits:
    """Commits offsets, one request at a time.

    Args:
        consumer: the client's consumer, member of a group.
        book: what was handled.
        owner: the subscriber, for messages.
        say: writes a log line with a level.
    """

    def __init__(
        self, consumer: Any, book: OffsetBook, owner: str, say: Callable[[int, str], None]
    ) -> None:
        self.consumer = consumer
        self.book = book
        self.owner = owner
        self.say = say
        self._lock = asyncio.Lock()
        self._warned: set[Key] = set()

    async def commit(self, keys: Iterable[Key] | None = None) -> None:
        """Commits what may be committed, of all partitions or of some.

        Raises:
            CommitFailed: the server did not take it.
        """
        async with self._lock:
            offsets = self.book.to_commit(keys)
            if not offsets:
                return
            try:
                await self.consumer.commit(
                    {TopicPartition(*key): at for key, at in offsets.items()}
                )
            except native.KafkaError as error:
                raise CommitFailed(
                    f"{self.owner}: offsets {_shown(offsets)} could not be committed, messages "
                    f"after the last commit may come again: {error!r}"
                ) from error
            self.book.committed(offsets)

    async def try_commit(self, timeout: float | None = None) -> bool:
        """Commits; a failure is logged and comes to nothing worse than repeated messages."""
        try:
            await asyncio.wait_for(self.commit(), timeout)
        except CommitFailed as error:
            self.say(logging.WARNING, str(error))
            return False
        except asyncio.TimeoutError:
            self.say(
                logging.WARNING,
                f"{self.owner}: the server did not take offsets within {timeout} seconds, "
                "messages after the last commit may come again",
            )
            return False
        return True

    async def in_background(self, interval: float) -> None:
        """Commits every `interval` seconds, for ever."""
        while True:
            await asyncio.sleep(interval)
            await self.try_commit()
            self._warn()

    def _warn(self) -> None:
        for key, progress in self.book.partitions.items():
            if progress.held_back > MANY_HELD_BACK and key not in self._warned:
                self._warned.add(key)
                self.say(
                    logging.WARNING,
                    f"{self.owner}: more than {MANY_HELD_BACK} acknowledged messages of {key[0]}-"
                    f"{key[1]} wait for one that was never acknowledged or rejected: nothing of "
                    "this partition is committed until that is done",
                )


def _shown(offsets: dict[Key, int]) -> str:
    return ", ".join(f"{topic}-{partition}: {at}" for (topic, partition), at in offsets.items())
