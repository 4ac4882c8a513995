"""What a consumer in test mode knows: how far it has read, and what was committed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anystream.kafka_common.offsets import Key


class Positions:
    """Offsets of one subscriber in test mode; they are noted, and nothing follows from them.

    Args:
        ends: the next offset of each partition.
        topics: what the subscriber reads, without those that a pattern finds.
    """

    def __init__(self, ends: Mapping[Key, int], topics: Sequence[str]) -> None:
        self.ends = ends
        self.topics = topics
        self.next: dict[Key, int] = {}
        self.committed: dict[Key, int] = {}
        self.paused: set[Key] = set()

    def read(self, topic: str, partition: int, offset: int) -> None:
        """A record is handed out."""
        self.next[topic, partition] = offset + 1

    def commit(self, offsets: Mapping[Key, int] | None = None) -> None:
        """Notes these offsets, or all positions."""
        self.committed.update(self.next if offsets is None else offsets)

    @property
    def assigned(self) -> list[Key]:
        """Its partitions: those that something came from, and the first one of each topic."""
        return sorted({*self.next, *((topic, 0) for topic in self.topics)})
