"""The messages of one subscriber: records one by one, in lanes, or in batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from aiokafka import errors as native
from aiokafka.structs import TopicPartition

from anystream.core.ack import AckStatus
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Feed
from anystream.kafka.connection import KafkaConnection
from anystream.kafka.consuming import Consuming, Taken
from anystream.kafka.message import Link
from anystream.kafka_common.offsets import PartitionProgress
from anystream.kafka_common.source import CommitPlan

AT_ONCE = 500  # records taken from the client in one go
FULL = 250  # so many wait of one partition: take only from others
WAIT_MS = 1000.0
SHORTEST_WAIT_MS, LONGEST_WAIT_MS = 1.0, 50.0
LOOK_EVERY = 5.0  # seconds at most between signs of life to the client

Run = tuple[PartitionProgress, list[Any]]  # records of one partition that were taken together


class KafkaFeed(Feed):
    """Asks the client for records; keeps track of what was handled, and of what is stale.

    Args:
        connection: the broker's connection.
        subscriber: whose messages they are.
        link: tells the parser of the running consumer.
    """

    pulls = True
    close_timeout = 6.0

    def __init__(self, connection: KafkaConnection, subscriber: Subscriber, link: Link) -> None:
        self.subscriber = subscriber
        self._in_turn = acks_by_mark(subscriber)
        self.consuming = Consuming(connection, subscriber, link, held=self._in_turn)
        source = subscriber.source
        self.batch = source.batch
        self.first = self.consuming.plan.by_client
        self._begun = False  # since the last look
        self._link = link
        if not self.first and not self._in_turn:
            self.begin = self._begin_batch if self.batch else self._make_begin()
            self.handled = self._handled  # type: ignore[method-assign]
            if not self.batch:
                self.lane = _partition_of
        self._crowded = subscriber.workers > 1 and not self.first
        self._paused = False
        self._resumed = asyncio.Event()
        self._waiting_since: float | None = None
        self._failures = 0
        self._life: asyncio.Task[None] | None = None
        self._short_wait = SHORTEST_WAIT_MS
        self._wait, self._at_once = WAIT_MS, self._records_at_once()
        if self.batch:
            self._wait = float(source.batch_timeout_ms) or SHORTEST_WAIT_MS

    def _records_at_once(self) -> int | None:
        source = self.subscriber.source
        if self.batch:
            limit: int | None = source.max_records
            return limit
        return None if source.client.get("max_poll_records") else AT_ONCE

    async def open(self) -> None:
        self._paused = False
        await self.consuming.open()
        self._life = asyncio.ensure_future(self._signs_of_life())

    # Taking

    async def fetch(self) -> Iterable[Any]:
        while True:
            if self._paused:
                self._resumed.clear()
                await self._resumed.wait()
            consuming = self.consuming
            if consuming.consumer is None:  # there was an outage, and it could not be made anew
                await consuming.open()
            if self._waiting_since is None:
                self._waiting_since = time.monotonic()
            if not consuming.settled:
                await consuming.until_settled(WAIT_MS / 1000)
            try:
                taken = await self._take()
                self._failures = 0
            except (native.KafkaError, native.ConsumerStoppedError):
                await self._perhaps_anew()
                raise
            if not taken:
                if consuming.broken:
                    await self._anew()
            elif self._paused or not consuming.settled:
                consuming.refuse(taken)
            else:
                self._waiting_since = None
                return self._on_their_way(taken)

    async def _take(self) -> Taken:
        consumer = self.consuming.consumer
        if self.first and not self.batch:
            record = await consumer.getone()
            return {TopicPartition(record.topic, record.partition): [record]}
        if self._crowded or self.consuming.not_before:
            return await self._take_from_some()
        taken: Taken = await consumer.getmany(timeout_ms=self._wait, max_records=self._at_once)
        return taken

    async def _take_from_some(self) -> Taken:
        """Only from partitions that have room and are not to wait."""
        consuming, now = self.consuming, time.monotonic()
        late = {key for key, at in consuming.not_before.items() if at > now}
        for key in set(consuming.not_before) - late:
            del consuming.not_before[key]
        known = consuming.book.partitions
        full = {key for key, progress in known.items() if progress.waiting >= FULL}
        closed = late | full
        free: list[TopicPartition] = []
        wait = self._wait
        if closed:
            free = [tp for tp in consuming.consumer.assignment() if tp not in closed]
            wait = self._short_wait = min(self._short_wait * 2, LONGEST_WAIT_MS)
            if not free:
                await asyncio.sleep(wait / 1000)
                return {}
        taken: Taken = await consuming.consumer.getmany(
            *free, timeout_ms=wait, max_records=self._at_once
        )
        if taken:
            self._short_wait = SHORTEST_WAIT_MS
        return taken

    async def _perhaps_anew(self) -> None:
        self._failures += 1
        if self._failures > 1 or self.consuming.broken:
            await self._anew()

    async def _anew(self) -> None:
        """The client's consumer does not work any more: another one takes its place."""
        await self.consuming.close()
        await self.consuming.open()

    def _on_their_way(self, taken: Taken) -> Iterable[Any]:
        runs: list[Run] = []
        if not self.first:
            for (topic, partition), records in taken.items():
                progress = self.consuming.book.of(topic, partition)
                progress.taken(records[0].offset, len(records))
                runs.append((progress, records))
        if self._in_turn:
            return self._one_after_the_other(runs)
        found = [record for records in taken.values() for record in records]
        return [found] if self.batch else found

    def _one_after_the_other(self, runs: list[Run]) -> Iterator[Any]:
        """With one worker the next record is asked for when the one before was handled, so what
        has to be done around each is done here, and not in calls of their own: `begin` and
        `settled` of `PartitionProgress` are written out."""
        consuming, link, acked = self.consuming, self._link, AckStatus.ACKED
        book = consuming.book
        try:
            for progress, records in runs:
                link.current = progress
                for raw in records:
                    progress.waiting -= 1
                    if progress.stale:
                        progress.stale -= 1
                        continue
                    progress.next = after = raw.offset + 1
                    self._begun = True
                    book.running = 1
                    yield raw
                    book.running = 0
                    message = link.message
                    if message is not None and message.committed is acked:
                        progress.done, progress.repeats = after, 0
                    link.message = None
                    if consuming.awaited:
                        consuming.ended.set()
        finally:
            book.running = 0
            link.current = link.message = None
            consuming.ended.set()

    # Around each message

    def _make_begin(self) -> Callable[[Any], bool]:
        book = self.consuming.book
        progress_of = book.partitions.get

        def begin(raw: Any) -> bool:
            # `OffsetBook.begin`, written out: this runs for every message
            progress = progress_of((raw.topic, raw.partition))
            if progress is None or not progress.begin(raw.offset):
                return False
            book.running += 1
            self._begun = True
            return True

        return begin

    def _begin_batch(self, raw: list[Any]) -> bool:
        self._begun = True
        book = self.consuming.book
        raw[:] = [item for item in raw if book.begin(item.topic, item.partition, item.offset)]
        book.running -= max(len(raw) - 1, 0)  # a batch is one message
        return bool(raw)

    def _handled(self, raw: Any) -> None:
        consuming = self.consuming
        consuming.book.running -= 1
        if consuming.awaited:
            consuming.ended.set()

    # Pause, end, health

    async def pause(self) -> None:
        self._paused = True
        self._waiting_since = None
        if not self.first and self.consuming.consumer is not None:
            self.consuming.put_back()

    async def resume(self) -> None:
        self._paused = False
        self._resumed.set()

    async def close(self) -> None:
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            await asyncio.wait([life])
        await self.consuming.close()

    async def _signs_of_life(self) -> None:
        """The client takes a member for dead that does not ask for records for a while: while
        handlers work off what was taken at once, or while intake is paused, that is no reason."""
        interval = self.subscriber.source.client.get("max_poll_interval_ms", 300_000) / 1000
        while True:
            await asyncio.sleep(min(LOOK_EVERY, interval / 3))
            if self._begun or self._paused:
                self._begun = False
                try:
                    await self.consuming.stay_a_member()
                except (native.KafkaError, native.ConsumerStoppedError, AttributeError):
                    continue  # `fetch` will hear of it, too

    @property
    def alive(self) -> bool:
        return self.consuming.connected(self._waiting_since)


def acks_by_mark(subscriber: Subscriber) -> bool:
    """Whether the feed itself looks whether a message was handled: where that is all there is to
    do, and nothing else can be in hand."""
    plan = CommitPlan.of(subscriber)
    own_parser = subscriber.merged.parser or any(item.parser for item in subscriber.calls)
    alone = subscriber.workers == 1 and not subscriber.batch
    return alone and not own_parser and not plan.at_once and not plan.by_client


def _partition_of(raw: Any) -> Hashable:
    return (raw.topic, raw.partition)
