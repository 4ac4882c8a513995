"""How messages go from a consumer to the runner: one by one, in batches, or to several workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from anystream.confluent.intake import Intake, Run
from anystream.core.ack import AckStatus
from anystream.core.transport import Feed
from anystream.kafka_common.offsets import Key, PartitionProgress
from anystream.kafka_common.source import CommitPlan

if TYPE_CHECKING:
    from anystream.confluent.clients import KafkaClients
    from anystream.confluent.message import Link
    from anystream.core.subscriber import Subscriber

MOST = 500  # messages of one batch
LONG, SHORT = (
    0.25,
    0.1,
)  # seconds of handlers for one batch; if it takes longer, batches get smaller
CROWDED = 1000  # so many messages of one partition may wait
MAX_RECORDS = 10  # of a batch for a handler
QUICK_LOOK = (
    0.01  # seconds of one look for messages while acknowledgements may have to be committed
)

_DONE = (AckStatus.ACKED, AckStatus.REJECTED)

Places = Sequence[tuple[PartitionProgress, int]]


class KafkaFeed(Feed):
    """One message after the other.

    Args:
        clients: what all clients of the broker share.
        subscriber: whose messages they are.
        link: tells the parser of this feed.
    """

    pulls = True
    close_timeout = 5.0

    def __init__(self, clients: KafkaClients, subscriber: Subscriber, link: Link) -> None:
        self.clients = clients
        self.subscriber = subscriber
        self.link = link
        self.first = link.first
        self.intake = Intake(clients, subscriber, CommitPlan.of(subscriber), self.in_hand)
        self.late = self.intake.plan.strict  # messages may be settled when others are current
        self.message: Any = None  # the one that was parsed last
        self._size = 1
        self._asked = 0.0
        self._current: PartitionProgress | None = None  # whose message is being handled
        self._running = asyncio.Event()

    async def open(self) -> None:
        await self.intake.open()
        self.link.holder = self
        self._running.set()
        if self.subscriber.broker.running:
            await self.intake.joined()

    def places(self, raw: Any) -> Places:
        """The partition and the offset of a message that is being handled."""
        return () if self._current is None else ((self._current, raw.offset()),)

    def in_hand(self) -> set[Key]:
        """The partitions of what is being handled."""
        return set() if self._current is None else {self._current.key}

    def _want(self) -> None:
        """Asks for the next batch: as many as can be handled in about a quarter of a second, so
        that the consumer is never away for long."""
        now = asyncio.get_running_loop().time()
        took = now - self._asked
        if took > LONG:
            self._size = max(1, int(self._size * LONG / took))
        elif took < SHORT:
            self._size = min(MOST, self._size * 2)
        self.intake.want(self._size)

    async def fetch(self) -> Any:
        await self._running.wait()
        intake = self.intake
        if intake.dead:
            await self._again()
            intake = self.intake
        if not intake.runs:
            self._want()
            await intake.wait()
        self._asked = asyncio.get_running_loop().time()
        runs = list(intake.runs)
        intake.runs.clear()
        return self._in_turn(runs)

    async def _again(self) -> None:
        """A consumer that has died is replaced."""
        dead = self.intake
        await dead.close()
        self.intake = Intake(self.clients, self.subscriber, dead.plan, self.in_hand)
        await self.intake.open()
        self.restarts += 1

    def _in_turn(self, runs: Iterable[Run]) -> Iterator[Any]:
        # every step in here is paid for by every message
        intake, first, by_mark = self.intake, self.first, not self.intake.at_once
        finishing, acked = intake.finishing, AckStatus.ACKED
        try:
            for progress, messages in runs:
                begin, settled = progress.begin, progress.settled
                self._current = progress
                messages.reverse()
                while messages:
                    # one that is handled is let go at once: a list of all of them, each with its
                    # headers, would be work for the garbage collector
                    raw = messages.pop()
                    offset = raw.offset()
                    if not begin(offset):
                        continue
                    if first:
                        settled(offset)
                    yield raw
                    if by_mark:
                        message = self.message
                        if message is None or message.committed is acked or self._is_done():
                            settled(offset)
                        self.message = None
                    if finishing:
                        self._current = None
                        intake.look_whether_finished()
                        self._current = progress
        finally:
            self._current = self.message = None
            intake.look_whether_finished()

    def _is_done(self) -> bool:
        """Whether what was handled last may be committed; a message that a parser of the user's
        has made says nothing about itself, and counts as done."""
        message = self.message
        return message is None or message.committed in _DONE

    async def pause(self) -> None:
        self._running.clear()
        await self.intake.stop_taking()

    async def resume(self) -> None:
        self._running.set()
        if self.intake.awaited:
            self._want()

    async def close(self) -> None:
        self._running.clear()
        await self.intake.close()
        if self.link.holder is self:
            self.link.holder = None

    @property
    def alive(self) -> bool:
        return self.intake.alive


class KafkaBatchFeed(KafkaFeed):
    """Lists of up to `max_records` messages."""

    def __init__(self, clients: KafkaClients, subscriber: Subscriber, link: Link) -> None:
        super().__init__(clients, subscriber, link)
        self._size = subscriber.source.max_records or MAX_RECORDS
        self._places: Places = ()

    def places(self, raw: Any) -> Places:
        return self._places

    def in_hand(self) -> set[Key]:
        return {progress.key for progress, _ in self._places}

    def _want(self) -> None:
        self.intake.want(self._size, full=True)

    def _in_turn(self, runs: Iterable[Run]) -> Iterator[Any]:
        # what was taken before a pause can come together with what was taken after it
        fresh = [
            (progress, raw)
            for progress, messages in runs
            for raw in messages
            if progress.begin(raw.offset())
        ]
        for start in range(0, len(fresh), self._size):
            yield from self._batch(fresh[start : start + self._size])

    def _batch(self, chosen: Sequence[tuple[PartitionProgress, Any]]) -> Iterator[Any]:
        self._places = [(progress, raw.offset()) for progress, raw in chosen]
        if self.first:
            for progress, offset in self._places:
                progress.settled(offset)
        try:
            yield [raw for _, raw in chosen]
            if not self.intake.at_once and self._is_done():
                for progress, offset in self._places:
                    progress.settled(offset)
        finally:
            self._places, self.message = (), None
            self.intake.look_whether_finished()


class KafkaWorkerFeed(KafkaFeed):
    """Messages for several workers: in order inside a partition, or without any order if they are
    acknowledged first."""

    def __init__(self, clients: KafkaClients, subscriber: Subscriber, link: Link) -> None:
        super().__init__(clients, subscriber, link)
        self._of: dict[int, PartitionProgress] = {}  # by identity of the message
        self._begun: dict[int, PartitionProgress] = {}
        self.late = True
        self._crowded: set[tuple[str, int]] = set()
        self.begin = self._begin
        if not self.first:
            self.lane = self._lane

    def places(self, raw: Any) -> Places:
        progress = self._begun.get(id(raw))
        return () if progress is None else ((progress, raw.offset()),)

    def in_hand(self) -> set[Key]:
        return {progress.key for progress in self._begun.values()}

    def _lane(self, raw: Any) -> Any:
        return (raw.topic(), raw.partition())

    def _want(self) -> None:
        intake = self.intake
        full = {key for key, each in intake.book.partitions.items() if each.waiting > CROWDED}
        if full != self._crowded:
            self._crowded = full
            intake.thread.post(lambda consumer: intake.thread.crowd(consumer, full))
        busy = bool(self._of or self._begun) and intake.at_once
        intake.want(MOST, seconds=QUICK_LOOK if busy else None)

    def _in_turn(self, runs: Iterable[Run]) -> Iterator[Any]:
        for progress, messages in runs:
            for raw in messages:
                self._of[id(raw)] = progress
                yield raw

    def _begin(self, raw: Any) -> bool:
        progress = self._of.pop(id(raw), None)
        if progress is None or not progress.begin(raw.offset()):
            return False
        self._begun[id(raw)] = progress
        if self.first:
            progress.settled(raw.offset())
        return True

    def handled(self, raw: Any) -> None:
        self._begun.pop(id(raw), None)
        self.intake.look_whether_finished()
