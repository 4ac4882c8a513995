"""What stands for aiokafka's consumer in test mode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.structs import OffsetAndTimestamp, TopicPartition

from anystream.kafka_common.offsets import Key
from anystream.kafka_common.positions import Positions


class FakeConsumer:
    """The methods of the client's consumer that a handler may call, without a server.

    What is committed is noted and can be asked for; to seek and to pause changes nothing of what
    is delivered.

    Args:
        positions: how far its subscriber has read.
    """

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    async def commit(self, offsets: Mapping[TopicPartition, Any] | None = None) -> None:
        """Notes offsets (numbers, or tuples that begin with one), or all positions."""
        given = None
        if offsets is not None:
            given = {
                _key(where): to[0] if isinstance(to, tuple) else to for where, to in offsets.items()
            }
        self._positions.commit(given)

    async def committed(self, partition: TopicPartition) -> int | None:
        """What was committed, None before that."""
        return self._positions.committed.get(_key(partition))

    async def position(self, partition: TopicPartition) -> int:
        """The offset after that of the record that was delivered last."""
        return self._positions.next.get(_key(partition), 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Does nothing."""

    async def seek_to_beginning(self, *partitions: TopicPartition) -> bool:
        """Does nothing."""
        return True

    async def seek_to_end(self, *partitions: TopicPartition) -> bool:
        """Does nothing."""
        return True

    async def seek_to_committed(
        self, *partitions: TopicPartition
    ) -> dict[TopicPartition, int | None]:
        """Does nothing but say what was committed."""
        chosen = partitions or self.assignment()
        return {each: self._positions.committed.get(_key(each)) for each in chosen}

    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions that something came from, and the first one of each topic."""
        return frozenset(TopicPartition(*key) for key in self._positions.assigned)

    def subscription(self) -> frozenset[str]:
        """Its topics."""
        return frozenset(topic for topic, _ in self._positions.assigned)

    async def topics(self) -> set[str]:
        """Its topics, and those that something was published to."""
        return {topic for topic, _ in self._positions.ends} | set(self.subscription())

    def partitions_for_topic(self, topic: str) -> set[int]:
        """The partitions that something was published to, and the first one."""
        return {0} | {number for name, number in self._positions.ends if name == topic}

    async def beginning_offsets(
        self, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """0 for each."""
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of the next record of each."""
        return {each: self.highwater(each) for each in partitions}

    async def offsets_for_times(
        self, timestamps: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        """Nothing: times are not kept."""
        return dict.fromkeys(timestamps)

    def highwater(self, partition: TopicPartition) -> int:
        """The offset of the next record."""
        return self._positions.ends.get(_key(partition), 0)

    def last_stable_offset(self, partition: TopicPartition) -> int:
        """The same: there are no transactions."""
        return self.highwater(partition)

    def last_poll_timestamp(self, partition: TopicPartition) -> int:
        """0: nothing is polled."""
        return 0

    def pause(self, *partitions: TopicPartition) -> None:
        """Is noted for `paused`."""
        self._positions.paused.update(_key(each) for each in partitions)

    def paused(self) -> set[TopicPartition]:
        """What was paused."""
        return {TopicPartition(*key) for key in self._positions.paused}

    def resume(self, *partitions: TopicPartition) -> None:
        """Is noted for `paused`."""
        self._positions.paused.difference_update(_key(each) for each in partitions)


def _key(partition: TopicPartition) -> Key:
    return (partition.topic, partition.partition)
