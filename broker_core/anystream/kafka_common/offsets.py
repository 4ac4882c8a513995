"""How far the messages of each partition are handled: what may be committed, what is stale.

No client, no clock, no task in here: a feed says what happens and asks what follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Key = tuple[str, int]


class PartitionProgress:
    """One partition from its assignment until it is taken away.

    Messages go through four stations: taken from the client, begun (or dropped), settled,
    committed. A partition is handled in order, one message after the other, so what may be
    committed is the offset after the last settled one; only if messages are settled after their
    handlers (`strict`) the lowest one that is still open holds back the rest.

    Args:
        topic, partition: which one.
        strict: an open message holds back later ones.
        stale: how many taken messages of an earlier assignment are still to come and be dropped.
    """

    __slots__ = (
        "_closed",
        "_open",
        "committed",
        "done",
        "next",
        "partition",
        "repeats",
        "stale",
        "strict",
        "topic",
        "waiting",
    )

    def __init__(self, topic: str, partition: int, *, strict: bool = False, stale: int = 0) -> None:
        self.topic = topic
        self.partition = partition
        self.strict = strict
        self.waiting = stale  # taken, not begun
        self.stale = stale  # so many of those are dropped
        self.next: int | None = None  # the offset of the first one that was not begun
        self.done: int | None = None  # the offset that may be committed
        self.committed: int | None = None
        self.repeats = 0  # how often in a row the same message was given back
        self._open: dict[int, None] = {}  # strict: begun, not settled, in order
        self._closed: set[int] = set()  # strict: settled, but behind an open one

    @property
    def key(self) -> Key:
        """Topic and partition."""
        return (self.topic, self.partition)

    def taken(self, first: int, count: int) -> None:
        """The client handed out `count` messages, beginning at offset `first`."""
        if self.waiting == self.stale:
            self.next = first
        if self.done is not None and first < self.done:
            # the user has gone back, or the topic was deleted and made again: what was noted of
            # these offsets is no longer true
            self.done = self.committed = None
            self._open.clear()
            self._closed.clear()
        self.waiting += count

    def begin(self, offset: int) -> bool:
        """Just before a message is handled; False: drop it, it will come again to whom it may
        concern."""
        self.waiting -= 1
        if self.stale:
            self.stale -= 1
            return False
        self.next = offset + 1
        if self.strict:
            self._open[offset] = None
        return True

    def settled(self, offset: int) -> None:
        """A message was acknowledged, or is done with in another way."""
        self.repeats = 0
        if not self.strict:
            if self.done is None or offset >= self.done:
                self.done = offset + 1
            return
        if offset not in self._open:
            return
        self._closed.add(offset)
        for lowest in list(self._open):
            if lowest not in self._closed:
                break
            del self._open[lowest]
            self._closed.discard(lowest)
            self.done = lowest + 1

    def settle_begun(self) -> int | None:
        """Whatever has begun counts as settled; returns the offset after it, None if there is
        nothing yet."""
        position = self.next
        if position is None or position < 0:
            return None
        for offset in [known for known in self._open if known < position]:
            del self._open[offset]
        self._closed.clear()
        self.done = position
        return position

    @property
    def held_back(self) -> int:
        """How many settled messages wait for an open one before them."""
        return len(self._closed)

    def rewind(self, offset: int | None = None) -> int | None:
        """Everything taken and not begun is dropped; returns the offset to read on from.

        Args:
            offset: read again from this one (a message that was given back); by default from the
                first one that was not begun. None is returned when nothing was taken since.
        """
        if offset is None:
            offset = self.next if self.waiting > self.stale else None
        else:
            self.repeats += 1
            for later in [known for known in self._open if known >= offset]:
                del self._open[later]
                self._closed.discard(later)
        self.stale = self.waiting
        if offset is not None:
            self.next = offset
        return offset

    @property
    def to_commit(self) -> int | None:
        """The offset to commit, None if there is nothing new."""
        return self.done if self.done != self.committed else None


class OffsetBook:
    """All partitions of one consumer.

    Args:
        strict: see `PartitionProgress`.
        held: whoever hands out messages keeps hold of their `PartitionProgress` meanwhile, and
            does not look it up for each: then a new one knows nothing of what is still to come.
    """

    def __init__(self, *, strict: bool = False, held: bool = False) -> None:
        self.strict = strict
        self.held = held
        self.partitions: dict[Key, PartitionProgress] = {}
        self.running = 0  # how many messages are being handled

    def of(self, topic: str, partition: int) -> PartitionProgress:
        """The progress of a partition, a new one if it is not known."""
        found = self.partitions.get((topic, partition))
        if found is None:
            found = self.partitions[topic, partition] = PartitionProgress(
                topic, partition, strict=self.strict
            )
        return found

    def to_commit(self, keys: Iterable[Key] | None = None) -> dict[Key, int]:
        """Offsets that may be committed and are not yet, of all partitions or of some."""
        chosen = (
            self.partitions if keys is None else [key for key in keys if key in self.partitions]
        )
        found = {key: self.partitions[key].to_commit for key in chosen}
        return {key: offset for key, offset in found.items() if offset is not None}

    def committed(self, offsets: dict[Any, int]) -> None:
        """The server has taken these offsets."""
        for key, offset in offsets.items():
            found = self.partitions.get((key[0], key[1]))
            if found is not None:
                found.committed = offset

    def begin(self, topic: str, partition: int, offset: int) -> bool:
        """Just before a message is handled; False: drop it."""
        progress = self.partitions.get((topic, partition))
        if progress is None or not progress.begin(offset):
            return False
        self.running += 1
        return True

    def ended(self) -> None:
        """The handler of a message that had begun is through, settled or not."""
        self.running -= 1

    def drop_waiting(self, keys: Iterable[Key] | None = None) -> dict[Key, int]:
        """Drops what was taken and not begun; returns where to read on, by partition."""
        chosen = list(self.partitions) if keys is None else list(keys)
        found = {key: self.partitions[key].rewind() for key in chosen if key in self.partitions}
        return {key: offset for key, offset in found.items() if offset is not None}

    def leave(self, keys: Iterable[Key]) -> None:
        """Partitions were taken away: what is still settled there later counts for nothing, what
        is still to come of them is dropped."""
        for key in list(keys):
            old = self.partitions.pop(key, None)
            if old is not None and old.waiting and not self.held:
                self.partitions[key] = PartitionProgress(
                    *key, strict=self.strict, stale=old.waiting
                )
