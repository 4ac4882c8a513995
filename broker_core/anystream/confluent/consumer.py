"""The consumer of a message, for handlers that want more of it than `ack` and `nack`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from confluent_kafka import KafkaException

from anystream.confluent.commits import commit, places
from anystream.confluent.errors import CommitFailed
from anystream.core.exceptions import IncorrectState

if TYPE_CHECKING:
    from anystream.confluent.intake import Intake
    from anystream.kafka_common.offsets import Key

T = TypeVar("T")


class KafkaConsumer:
    """A subscriber's consumer, reached from the event loop; its calls run in its thread.

    Args:
        intake: whose consumer it is.
        keys: the partitions of the message that it was asked of.
    """

    def __init__(self, intake: Intake, keys: Iterable[Key]) -> None:
        self._intake = intake
        self._keys = frozenset(keys)

    @property
    def consumer(self) -> Any:
        """The client's own `Consumer`, None when it is closed. Its methods wait for its thread: in
        the event loop they hold up everything, `call` does not."""
        return self._intake.thread.consumer

    async def call(self, function: Callable[[Any], T]) -> T:
        """Calls a function with the client's consumer in its thread, and returns what it returns.

        Raises:
            IncorrectState: the consumer has ended.
        """
        return await self._intake.thread.call(function)

    async def commit(self, asynchronous: bool = True) -> None:
        """Commits everything that handlers were given so far, acknowledged or not; with several
        workers, not what others have in hand in other partitions.

        Args:
            asynchronous: do not wait for the server; a failure is then written and counted, and
                tried again with the next commit.

        Raises:
            CommitFailed: the server did not take it, the message's partition is another member's
                now, or the consumer has ended.
        """
        intake = self._intake
        lost = sorted(self._keys - intake.book.partitions.keys())
        if lost:
            raise CommitFailed(
                f"{lost[0][0]}-{lost[0][1]} is another member's now, or the consumer has ended: "
                "nothing was committed"
            )
        others = intake.in_hand() - self._keys
        offsets: dict[Key, int] = {}
        for key, progress in intake.book.partitions.items():
            position = None if key in others else progress.settle_begun()
            if position is not None:
                offsets[key] = position
                progress.committed = position
        if not offsets:
            return
        try:
            if asynchronous:
                await self.call(partial(_commit_soon, offsets=places(offsets)))
            else:
                await self.call(partial(commit, offsets=offsets))
        except (KafkaException, IncorrectState) as error:
            for key in offsets:
                if key in intake.book.partitions:
                    intake.book.partitions[key].committed = None  # so that it is tried again
            raise CommitFailed(f"the offsets {offsets} were not committed: {error}") from error

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Reads a partition on from another offset; what was taken of it and not begun is dropped.

        Args:
            topic, partition: one of those that this consumer reads.
            offset: of the next message of it.

        Raises:
            IncorrectState: this consumer does not read it, or has ended.
        """
        found = await self.call(lambda consumer: consumer.assignment())
        if (topic, partition) not in {(each.topic, each.partition) for each in found}:
            raise IncorrectState(
                f"{self._intake.subscriber!r} cannot seek in {topic}-{partition}, which it does "
                f"not read: it has {sorted(f'{each.topic}-{each.partition}' for each in found)}"
            )
        self._intake.move((topic, partition), offset)
        await self.call(_nothing)  # after what was asked for before: then the seek is done


def _commit_soon(consumer: Any, offsets: Any) -> None:
    consumer.commit(offsets=offsets, asynchronous=True)


def _nothing(_: Any) -> None:
    pass
