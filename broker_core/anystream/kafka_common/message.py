"""The messages of Kafka subscribers; the clients' packages say how a record is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from anystream.core.ack import AckStatus
from anystream.core.ids import gen_cor_id
from anystream.core.message import StreamMessage
from anystream.kafka_common.offsets import PartitionProgress
from anystream.kafka_common.topics import TopicPattern


class Settling(Protocol):
    """What a feed does for its messages."""

    at_once: bool

    async def commit(self, places: Sequence[tuple[PartitionProgress, int]]) -> None:
        """Commits what may be committed of these partitions, before the next message."""
        ...

    def give_back(self, progress: PartitionProgress, offset: int) -> None:
        """Reads a partition again, beginning at this offset."""
        ...


class KafkaMessageCore(StreamMessage[Any]):
    """A message, or a batch of them, and where it stands.

    Args:
        places: partitions and offsets of what is settled together; empty if the client commits by
            itself, or if there is no feed to tell.
        settling: the feed.
        consumer: the client's consumer.
        pattern: captures `path` from the topic.
    """

    places: Sequence[tuple[PartitionProgress, int]] = ()
    settling: Settling | None = None
    consumer: Any = None
    stand_in: Any = None  # for the consumer, in test mode
    pattern: TopicPattern | None = None

    def take_batch(self, raw: Sequence[Any], bodies: Any, heads: list[dict[str, str]]) -> None:
        """Takes over the records of a batch; the first one says who waits for an answer.

        Args:
            raw: the client's records.
            bodies, heads: what each of them has.
        """
        self.raw_message = tuple(raw)
        self.body, self.batch_headers = bodies, heads
        self._headers = first = heads[0]
        self._reply_to = first.get("reply_to", "")
        self._correlation_id = first.get("correlation_id") or gen_cor_id()

    def read_message_id(self) -> str:
        """How the client's records are told apart; a package's message class overrides it."""
        return self.correlation_id

    @property
    def message_id(self) -> str:
        """Id of this message: offset and time, unless a parser gave another one."""
        return self.__dict__.get("_message_id") or self.read_message_id()

    @message_id.setter
    def message_id(self, value: str) -> None:
        self._message_id = value

    async def ack(self) -> None:
        """Notes that the message was handled; commits at once unless that is done in the
        background.

        Raises:
            CommitFailed: the server did not take it; the message may come again.
        """
        if self.committed is not None:
            return
        self.committed = AckStatus.ACKED
        settling = self.settling
        if settling is not None:
            for progress, offset in self.places:
                progress.settled(offset)
            if settling.at_once:
                await settling.commit(self.places)

    async def nack(self) -> None:
        """Reads the partition again from this message on; of a batch, from the first message of
        each partition."""
        if self.committed is not None:
            return
        self.committed = AckStatus.NACKED
        settling = self.settling
        if settling is not None:
            lowest: dict[Any, tuple[PartitionProgress, int]] = {}
            for progress, offset in self.places:
                known = lowest.get(progress.key)
                if known is None or offset < known[1]:
                    lowest[progress.key] = (progress, offset)
            for progress, offset in lowest.values():
                settling.give_back(progress, offset)

    async def reject(self) -> None:
        """Gives the message up: for Kafka the same as `ack`."""
        if self.committed is None:
            await self.ack()
            self.committed = AckStatus.REJECTED


LONGEST_PAUSE = 1.0


def pause_before_repeat(repeats: int) -> float:
    """Seconds until a message that was given back comes again: at once the first time, then up to
    a second, so that a message that always fails does not spin."""
    return 0.0 if repeats < 2 else min(LONGEST_PAUSE, 0.01 * 2.0 ** (repeats - 2))


async def until_idle(running: Callable[[], int], changed: asyncio.Event, timeout: float) -> bool:
    """Waits until no handler runs.

    Args:
        running: how many run.
        changed: is set whenever one ends.
        timeout: seconds at most.

    Returns:
        Whether that came to pass in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while running():
        changed.clear()
        left = deadline - loop.time()
        if left <= 0:
            return False
        try:
            await asyncio.wait_for(changed.wait(), left)
        except asyncio.TimeoutError:
            return not running()
    return True
