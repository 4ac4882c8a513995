"""What stands for the consumer in test mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from confluent_kafka import OFFSET_INVALID, TopicPartition

from anystream.confluent.commits import places
from anystream.kafka_common.positions import Positions

T = TypeVar("T")


class FakeConsumer:
    """The same methods as `KafkaConsumer`, without a server and without a thread.

    What is committed is noted and can be asked for; to seek changes nothing of what is delivered.

    Args:
        positions: how far its subscriber has read.
    """

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self.consumer = FakeClientConsumer(positions)

    async def call(self, function: Callable[[Any], T]) -> T:
        """Calls a function with what stands for the client's consumer."""
        return function(self.consumer)

    async def commit(self, asynchronous: bool = True) -> None:
        """Notes all positions."""
        self._positions.commit()

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Does nothing."""


class FakeClientConsumer:
    """The methods of the client's own consumer that a handler may call.

    Args:
        positions: how far its subscriber has read.
    """

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    def commit(
        self, message: Any = None, offsets: Any = None, asynchronous: bool = True
    ) -> list[TopicPartition] | None:
        """Notes the offset after a message, or offsets, or all positions."""
        given = None
        if message is not None:
            given = {(message.topic(), message.partition()): message.offset() + 1}
        elif offsets is not None:
            given = {(each.topic, each.partition): each.offset for each in offsets}
        self._positions.commit(given)
        if asynchronous:
            return None
        noted = self._positions.next if given is None else given
        return places(noted)

    def store_offsets(self, message: Any = None, offsets: Any = None) -> None:
        """Does nothing."""

    def committed(
        self, partitions: Sequence[TopicPartition], timeout: float | None = None
    ) -> list[TopicPartition]:
        """What was committed of these partitions."""
        return [_at(each, self._positions.committed) for each in partitions]

    def position(self, partitions: Sequence[TopicPartition]) -> list[TopicPartition]:
        """The offsets after what was delivered last."""
        return [_at(each, self._positions.next) for each in partitions]

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float | None = None, cached: bool = False
    ) -> tuple[int, int]:
        """0, and the offset of the next record."""
        return 0, self._positions.ends.get((partition.topic, partition.partition), 0)

    def assignment(self) -> list[TopicPartition]:
        """The partitions that something came from, and the first one of each topic."""
        return [TopicPartition(*key) for key in self._positions.assigned]

    def seek(self, partition: TopicPartition) -> None:
        """Does nothing."""

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Does nothing."""

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Does nothing."""


def _at(partition: TopicPartition, known: dict[tuple[str, int], int]) -> TopicPartition:
    offset = known.get((partition.topic, partition.partition), OFFSET_INVALID)
    return TopicPartition(partition.topic, partition.partition, offset)
