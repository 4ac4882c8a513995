"""One consumer of the client's: made, started, read, committed, ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as native
from aiokafka.structs import TopicPartition

from anystream.core.subscriber import Subscriber
from anystream.kafka.absent import look_for_absent_topics
from anystream.kafka.commits import Commits
from anystream.kafka.connection import ErrorsHeard, KafkaConnection
from anystream.kafka.ending import end_consumer, start
from anystream.kafka.errors import AccessDenied, topic_not_found
from anystream.kafka.message import Link
from anystream.kafka.rebalance import Rebalancing
from anystream.kafka_common.message import pause_before_repeat, until_idle
from anystream.kafka_common.offsets import Key, OffsetBook, PartitionProgress
from anystream.kafka_common.source import (
    CommitPlan,
    KafkaSource,
    wire_partitions,
    wire_pattern,
    wire_topics,
)

COMMIT_TIMEOUT = 2.0
POSITION_TIMEOUT = 5.0
ASSIGNMENT_TIMEOUT = 15.0
SILENT_TOO_LONG = 3.0  # seconds without any answer, besides the time that an answer may take
NOBODY = TopicPartition("", 0)

Taken = Mapping[TopicPartition, list[Any]]  # what the client hands out


class Consuming:
    """A running consumer and what was handled of it; the `Settling` of its messages.

    Args:
        connection: the broker's connection.
        subscriber: what is read.
        link: tells the parser of it.
        at_once: commit at each acknowledgement; by default what the policy says.
        held: see `OffsetBook`.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        subscriber: Subscriber,
        link: Link,
        *,
        at_once: bool | None = None,
        held: bool = False,
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.link = link
        self.source: KafkaSource = subscriber.source
        self.plan = CommitPlan.of(subscriber)
        self.at_once = self.plan.at_once if at_once is None else at_once
        self.book = OffsetBook(strict=self.plan.strict, held=held)  # one for all consumers to come
        self.consumer: Any = None
        self.awaited = False  # somebody waits for handlers to end, and
        self.ended = asyncio.Event()  # is told so
        self.not_before: dict[Key, float] = {}  # partitions that wait before they are read again
        self._commits: Commits | None = None
        self._rebalancing: Rebalancing | None = None
        self._background: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Makes the consumer and waits until it knows what it reads.

        Raises:
            KafkaConnectionFailed: no server can be reached, or one refuses.
            TopicNotFound: a topic does not exist.
        """
        self.book.leave(self.book.partitions)
        self.not_before.clear()
        made: Any = AIOKafkaConsumer(**self._options())
        self.consumer = made
        self._rebalancing = Rebalancing(
            self.source.native.get("listener"),
            self._begin,
            self._give_up,
            self._is_lost,
            self.owner,
            self._say,
        )
        if self.source.group_id is not None and not self.plan.by_client:
            self._commits = Commits(made, self.book, self.owner, self._say)
        self._introduce()
        with ErrorsHeard() as heard:
            try:
                self._subscribe(made)
                await start(made)
                self._begin_at_places(made)
                await self._until_assigned(made)
                await self._positions(made.assignment())
            except BaseException as error:
                await self.close(commit=False)
                if not isinstance(error, Exception):
                    raise
                raise self._explained(error, heard.text) from error
        self._background.append(asyncio.ensure_future(look_for_absent_topics(made)))
        if self._commits is not None and not self.at_once:
            interval = self.source.client.get("auto_commit_interval_ms", 5000) / 1000
            self._background.append(asyncio.ensure_future(self._commits.in_background(interval)))

    def _introduce(self) -> None:
        self.link.consumer = self.consumer
        if not self.plan.by_client:
            self.link.book, self.link.settling = self.book, self

    def _options(self) -> dict[str, Any]:
        return {
            **self.connection.consumer_options(),
            **self.source.client,
            "group_id": self.source.group_id,
            "enable_auto_commit": self.plan.by_client,
        }

    def _subscribe(self, consumer: Any) -> None:
        places, pattern = wire_partitions(self.subscriber), wire_pattern(self.subscriber)
        if places:
            consumer.assign([TopicPartition(*place[:2]) for place in places])
        elif pattern is not None:
            consumer.subscribe(pattern=pattern.wire, listener=self._rebalancing)
        else:
            names = [topic.name for topic in wire_topics(self.subscriber)]
            consumer.subscribe(topics=names, listener=self._rebalancing)

    def _begin_at_places(self, consumer: Any) -> None:
        for place in wire_partitions(self.subscriber):
            if place.offset is not None:
                consumer.seek(TopicPartition(*place[:2]), place.offset)

    async def _until_assigned(self, consumer: Any) -> None:
        """The client itself waits for partitions of topics, but neither for those of a pattern nor
        for listeners."""
        with suppress(asyncio.TimeoutError):
            if self.source.pattern is not None:
                await asyncio.wait_for(consumer._client.force_metadata_update(), POSITION_TIMEOUT)
            await self.until_settled(ASSIGNMENT_TIMEOUT)

    @property
    def settled(self) -> bool:
        """Whether nobody is still being told of the partitions that it has now: their positions
        may yet change, so nothing is taken before."""
        if self.source.group_id is None or self.source.partitions or self._rebalancing is None:
            return True
        return self._rebalancing.settled.is_set()

    async def until_settled(self, timeout: float) -> None:
        """Waits for that, for some seconds at most."""
        if not self.settled and self._rebalancing is not None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._rebalancing.settled.wait(), timeout)

    @property
    def owner(self) -> str:
        """The subscriber, for messages."""
        return repr(self.subscriber)

    def _say(self, level: int, text: str) -> None:
        logger = self.subscriber.broker.logger
        if logger is not None:
            fields = self.subscriber.broker.log_fields(self.subscriber, None)
            logger.log(level, text, extra=fields)

    def _explained(self, error: Exception, reason: str) -> Exception:
        if isinstance(error, native.UnknownTopicOrPartitionError):
            names = [topic.name for topic in wire_topics(self.subscriber)]
            return topic_not_found(self.owner, ", ".join(names) or str(self.source))
        if isinstance(
            error, (native.TopicAuthorizationFailedError, native.GroupAuthorizationFailedError)
        ):
            return AccessDenied(
                f"{self.owner}: Kafka at {self.connection.address} does not let this user read it "
                f"({error}). Check the user's permissions for the topic and the group"
            )
        if isinstance(error, (native.KafkaError, OSError, asyncio.TimeoutError)):
            return self.connection.failure(error, reason)
        return error

    # Settling: what messages ask for

    async def commit(self, places: Sequence[tuple[PartitionProgress, int]]) -> None:
        if self._commits is not None:
            await self._commits.commit({progress.key for progress, _ in places})

    def give_back(self, progress: PartitionProgress, offset: int) -> None:
        if self.book.partitions.get(progress.key) is not progress:
            return  # the partition was taken away: it is read again by whoever has it
        progress.rewind(offset)
        wait = pause_before_repeat(progress.repeats)
        if wait:
            self.not_before[progress.key] = time.monotonic() + wait
        self._seek(progress.key, offset)

    def _seek(self, key: Key, offset: int) -> None:
        try:
            self.consumer.seek(TopicPartition(*key), offset)
        except native.IllegalStateError:
            return  # taken away this moment

    # Reading

    def refuse(self, taken: Taken) -> None:
        """Records that came too late: they are read again later."""
        for place, records in taken.items():
            self._seek(place, records[0].offset)

    def put_back(self) -> None:
        """What was taken and not begun is dropped, and read again later."""
        for key, offset in self.book.drop_waiting().items():
            self._seek(key, offset)

    async def stay_a_member(self) -> None:
        """Tells the client that this consumer is busy, not dead: it asks for nothing."""
        await self.consumer.getmany(NOBODY)

    # Rebalance

    async def _positions(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Where each partition will be read from; when this is known, what is published later is
        not missed by a reader that begins at the end."""
        found = {}
        consumer = self.consumer
        for tp in partitions:
            try:
                found[tp] = await asyncio.wait_for(consumer.position(tp), POSITION_TIMEOUT)
            except (native.KafkaError, asyncio.TimeoutError):
                continue  # taken away meanwhile, or the server does not answer
        return found

    async def _begin(self, partitions: Iterable[TopicPartition]) -> None:
        """A group that begins at the end commits that at once: after a crash before its first
        commit "the end" would be another one, and what came meanwhile would be skipped."""
        latest = self.source.client.get("auto_offset_reset", "latest") == "latest"
        if self._commits is None or not latest:
            return
        consumer = self.consumer
        positions = await self._positions(partitions)
        try:
            asking = asyncio.gather(*(consumer.committed(tp) for tp in positions))
            known = await asyncio.wait_for(asking, POSITION_TIMEOUT)
            places = zip(positions.items(), known, strict=True)
            new = {tp: offset for (tp, offset), old in places if old is None}
            if new:
                await asyncio.wait_for(consumer.commit(new), COMMIT_TIMEOUT)
        except (native.KafkaError, asyncio.TimeoutError) as error:
            self._say(
                logging.WARNING,
                f"{self.owner}: the end of its partitions could not be committed as the beginning "
                f"of the group: {error!r}",
            )

    def _is_lost(self) -> bool:
        coordinator = getattr(self.consumer, "_coordinator", None)
        return getattr(coordinator, "generation", 0) < 0

    async def _give_up(self, partitions: Iterable[TopicPartition], lost: bool) -> None:
        keys = [(tp.topic, tp.partition) for tp in partitions]
        if not keys or self.plan.by_client:
            return
        self.book.drop_waiting(keys)
        await self._until_idle()
        # the offsets of a topic that was deleted must not become those of the next one
        consumer = self.consumer
        if consumer is not None:
            self.book.leave([key for key in keys if not consumer.partitions_for_topic(key[0])])
        if self._commits is not None and not lost:
            await self._commits.try_commit(COMMIT_TIMEOUT)
        self.book.leave(keys)
        for key in keys:
            self.not_before.pop(key, None)

    async def _until_idle(self) -> None:
        self.awaited = True
        try:
            if await until_idle(lambda: self.book.running, self.ended, self._patience()):
                return
        finally:
            self.awaited = False
        self._say(
            logging.WARNING,
            f"{self.owner}: partitions are taken away while {self.book.running} message(s) of "
            "them are still being handled; they come again elsewhere",
        )

    def _patience(self) -> float:
        """The group waits so long for a member that joins again; some of it is for the commit."""
        options = self.source.client
        limit = options.get("rebalance_timeout_ms") or options.get("session_timeout_ms", 10000)
        return float(limit) / 1000 * 0.7

    # Health

    @property
    def broken(self) -> bool:
        """Whether a task of the client's has died, which ends all work without a word."""
        coordinator = getattr(self.consumer, "_coordinator", None)
        fetcher = getattr(self.consumer, "_fetcher", None)
        tasks = [
            getattr(coordinator, "_coordination_task", None),
            getattr(fetcher, "_fetch_task", None),
        ]
        return any(task is not None and task.done() for task in tasks)

    def connected(self, waiting_since: float | None) -> bool:
        """Whether the server talks to this consumer.

        Args:
            waiting_since: since when (monotonic) nothing has come; None while there is work.
        """
        consumer = self.consumer
        if consumer is None or self.broken:
            return False
        if not any(conn.connected() for conn in consumer._client._conns.values()):
            return False
        coordinator = getattr(consumer, "_coordinator", None)
        if self.source.group_id is not None and getattr(coordinator, "coordinator_id", 0) is None:
            return False
        if waiting_since is None:
            return True
        longest = self.source.client.get("fetch_max_wait_ms", 500) / 1000 + SILENT_TOO_LONG
        if time.monotonic() - waiting_since < longest:
            return True
        polled = [consumer.last_poll_timestamp(tp) for tp in consumer.assignment()]
        return not polled or time.time() - max(at or 0 for at in polled) / 1000 < longest

    async def close(self, *, commit: bool = True) -> None:
        """Commits what was handled and leaves the group; safe to call twice."""
        background, self._background = self._background, []
        for task in background:
            task.cancel()
        if background:
            await asyncio.wait(background)
        commits, self._commits = self._commits, None
        consumer = self.consumer
        if consumer is None:
            return
        try:
            if commit and commits is not None:
                await commits.try_commit(COMMIT_TIMEOUT)
        finally:
            self.consumer = None
            self.link.clear()
            if self._rebalancing is not None:
                self._rebalancing.log.cancel()
            await end_consumer(consumer)
