"""The messages of one subscriber: taken in batches, counted and committed by partition."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException

from anystream.confluent.commits import Commits, commit, seek
from anystream.confluent.consumer_thread import ConsumerThread, Hooks
from anystream.confluent.errors import NO_TOPIC, CommitFailed, ConsumeFailed, is_refused
from anystream.confluent.opening import make_consumer
from anystream.confluent.reports import in_loop
from anystream.core.exceptions import BrokerConnectionError, IncorrectState
from anystream.kafka_common.declared import declared_topics
from anystream.kafka_common.message import pause_before_repeat
from anystream.kafka_common.offsets import Key, OffsetBook, PartitionProgress
from anystream.kafka_common.source import CommitPlan, wire_topics

if TYPE_CHECKING:
    from anystream.confluent.clients import KafkaClients
    from anystream.core.subscriber import Subscriber

Run = tuple[PartitionProgress, list[Any]]

JOIN_SECONDS = 10.0
PROBE_EVERY, PROBE_SECONDS = 1.0, 0.5


class Intake:
    """A consumer, how far its messages are handled, and what follows from that.

    Args:
        clients: what all clients of the broker share.
        subscriber: whose messages they are.
        plan: when offsets are committed.
        in_hand: says of which partitions messages are being handled.
    """

    def __init__(
        self,
        clients: KafkaClients,
        subscriber: Subscriber,
        plan: CommitPlan,
        in_hand: Callable[[], set[Key]],
    ) -> None:
        self.clients = clients
        self.reports = clients.reports
        self.subscriber = subscriber
        self.plan = plan
        self.at_once = plan.at_once
        self.book = OffsetBook(strict=plan.strict)
        self.runs: deque[Run] = deque()
        self.in_hand = in_hand
        self.closing = False
        self.trouble: KafkaError | None = None
        self.drain_seconds = subscriber.broker.graceful_timeout or 0.0
        self._thread: ConsumerThread | None = None
        self._one_topic = len(wire_topics(subscriber)) == 1
        self._joined: asyncio.Future[None] | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._wanting = False
        self._rewinding: dict[Key, int] = {}  # how many seeks are on their way
        self.finishing: list[tuple[set[Key], threading.Event]] = []
        self._next_probe = 0.0
        interval = subscriber.source.client.get("auto_commit_interval_ms", 5000) / 1000
        self.commits = Commits(
            self.book, None if plan.at_once else interval, self.reports, repr(subscriber)
        )

    def say(self, level: int, text: str) -> None:
        """Writes a line about this subscriber; in any thread."""
        self.reports.write(level, f"{self.subscriber!r} {text}")

    async def open(self) -> None:
        """Starts the consumer; see `joined`.

        Raises:
            OptionError: librdkafka refuses a key or a value.
            TopicNotFound: a topic does not exist, and may not be made.
        """
        await self.clients.topics.ensure(declared_topics([self.subscriber]))
        loop = asyncio.get_running_loop()
        self.closing, self.trouble, self._wanting = False, None, False
        self._joined = loop.create_future()
        hooks = Hooks(
            make=lambda: make_consumer(self),
            arrived=self._arrived,
            tick=self._tick,
            ended=self._ended,
            problem=self._problem,
        )
        name = f"anystream-confluent {self.subscriber.call_name}"
        self._thread = ConsumerThread(name, hooks, self.reports)
        await self.thread.start()
        self.want(1)

    @property
    def thread(self) -> ConsumerThread:
        """The consumer's thread.

        Raises:
            IncorrectState: not opened.
        """
        if self._thread is None:
            raise IncorrectState(f"{self.subscriber!r} is not started")
        return self._thread

    async def joined(self) -> None:
        """Waits until the group has given it partitions, be they none.

        Raises:
            BrokerConnectionError: the server refuses this user.
        """
        if self._joined is None or self._joined.done():
            return
        await asyncio.wait({self._joined}, timeout=JOIN_SECONDS)
        trouble = self.trouble
        if trouble is not None and is_refused(trouble):
            raise BrokerConnectionError(
                f"{self.subscriber!r}: Kafka at {self.clients.config.servers} refuses: "
                f"{trouble.str()}. Check the credentials and their rights"
            )
        if not self._joined.done():
            self.say(logging.WARNING, f"has no partitions yet after {JOIN_SECONDS:.0f} seconds")

    # Taking

    def want(self, most: int, *, seconds: float | None = None, full: bool = False) -> None:
        """Has the next batch taken, unless that is on its way."""
        if not self._wanting:
            self._wanting = True
            wait = self.clients.polling_interval(self.subscriber) if seconds is None else seconds
            self.thread.want(most, wait, full=full)

    async def wait(self) -> None:
        """Waits until there are runs.

        Raises:
            ConsumeFailed: the consumer is at its end; another one must be made.
        """
        while not self.runs:
            if self.dead:
                cause = self.trouble or KafkaError(KafkaError._FAIL)
                reason = self.thread.failed or cause.str()
                raise ConsumeFailed(cause, f"the consumer is at its end: {reason}")
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival

    @property
    def awaited(self) -> bool:
        """Whether somebody is in `wait`."""
        return self._arrival is not None and not self._arrival.done()

    @property
    def dead(self) -> bool:
        """Whether nothing can come any more."""
        fatal = self.trouble is not None and self.trouble.fatal()
        return fatal or not self.thread.alive

    def _arrived(self, batch: list[Any]) -> None:
        self._wanting = False
        if batch:
            self.trouble = None
        for key, messages in self._sorted(batch):
            if key not in self._rewinding:  # else: read before a seek that is on its way
                progress = self.book.of(*key)
                progress.taken(messages[0].offset(), len(messages))
                self.runs.append((progress, messages))
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and self.awaited:
            self._arrival.set_result(None)

    def _sorted(self, batch: list[Any]) -> Iterable[tuple[Key, list[Any]]]:
        """The messages of each partition."""
        if batch and self._one_topic:
            numbers = {message.partition() for message in batch}
            if len(numbers) == 1:
                return [((batch[0].topic(), numbers.pop()), batch)]
        found: dict[Key, list[Any]] = {}
        for message in batch:
            found.setdefault((message.topic(), message.partition()), []).append(message)
        return found.items()

    async def stop_taking(self) -> None:
        """When it returns, nothing is taken, and what was taken and not begun is given back."""
        await self.thread.want_nothing()
        self._wanting = False
        back = self.book.drop_waiting()
        if back and not self.closing:
            await self.thread.call(partial(seek, offsets=back))

    # Settling

    async def commit(self, places: Sequence[tuple[PartitionProgress, int]]) -> None:
        """Commits what may be committed of these partitions.

        Raises:
            CommitFailed: the server did not take it, or they are another member's now.
        """
        chosen = {progress.key: progress for progress, _ in places}
        offsets = {key: each.to_commit for key, each in chosen.items()}
        wanted = {key: offset for key, offset in offsets.items() if offset is not None}
        for key in wanted:
            if self.book.partitions.get(key) is not chosen[key]:
                raise CommitFailed(f"{key[0]}-{key[1]} was given to another member of the group")
        if not wanted:
            return
        try:
            await self.thread.call(partial(commit, offsets=wanted))
        except (KafkaException, IncorrectState) as error:
            raise CommitFailed(f"the offsets {wanted} were not committed: {error}") from error
        for key, offset in wanted.items():
            chosen[key].committed = offset

    def give_back(self, progress: PartitionProgress, offset: int) -> None:
        """Reads a partition again from this offset on, after a while if that repeats."""
        key = progress.key
        if self.book.partitions.get(key) is not progress:
            return  # another member reads it from the last commit on
        progress.rewind(offset)
        self._rewinding[key] = self._rewinding.get(key, 0) + 1  # what comes until then is old
        delay = pause_before_repeat(progress.repeats)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._rewind, key, offset)
        else:
            self._rewind(key, offset)

    def move(self, key: Key, offset: int) -> None:
        """Reads a partition on from another offset, because somebody wants it."""
        progress = self.book.partitions.get(key)
        if progress is not None:
            progress.rewind(offset)
        self._rewinding[key] = self._rewinding.get(key, 0) + 1
        self._rewind(key, offset)

    def _rewind(self, key: Key, offset: int) -> None:
        def rewind(consumer: Any) -> None:
            seek(consumer, {key: offset})
            in_loop(self.thread.loop, self._rewound, key)

        self.thread.post(rewind)

    def _rewound(self, key: Key) -> None:
        left = self._rewinding.pop(key, 1) - 1
        if left:
            self._rewinding[key] = left

    def _tick(self, consumer: Any) -> None:
        self.commits.in_background(consumer)
        now = time.monotonic()
        if self.trouble is not None and now >= self._next_probe:
            self._next_probe = now + PROBE_EVERY
            self._probe(consumer)

    # Partitions and errors

    def assigned(self, keys: set[Key]) -> None:
        """Partitions have come."""
        self.trouble = None
        if self._joined is not None and not self._joined.done():
            self._joined.set_result(None)
        if keys:
            names = ", ".join(f"{topic}-{number}" for topic, number in sorted(keys))
            self.reports.say(logging.INFO, f"{self.subscriber!r} reads {names}")

    def finish(self, keys: set[Key], finished: threading.Event) -> None:
        """Drops what waits of these partitions; tells when nothing of them is in hand."""
        self.book.drop_waiting(keys)
        self.finishing.append((keys, finished))
        self.look_whether_finished()

    def look_whether_finished(self) -> None:
        """To be called when a handler has ended, whatever came of it."""
        if not self.finishing:
            return
        running = self.in_hand()
        for keys, finished in list(self.finishing):
            if not running & keys:
                finished.set()
                self.finishing.remove((keys, finished))

    def left(self, keys: set[Key]) -> None:
        """Partitions are another member's; what is settled of them later counts for nothing."""
        self.book.drop_waiting(keys)
        for key in keys:
            self.book.partitions.pop(key, None)
            self._rewinding.pop(key, None)

    def on_error(self, error: KafkaError) -> None:
        """librdkafka reports an error of the connection; in one of its threads."""
        if error.fatal() or error.code() == KafkaError._ALL_BROKERS_DOWN or is_refused(error):
            in_loop(self.thread.loop, self._note, error)

    def _problem(self, error: KafkaError, message: Any) -> None:
        # in the thread
        self.reports.on_error(f"{self.subscriber!r}", error)
        topic = message.topic()
        if error.code() in NO_TOPIC and topic:
            self.commits.deleted.add(topic)
            in_loop(self.thread.loop, self._left_topic, topic)
        in_loop(self.thread.loop, self._note, error)

    def _left_topic(self, topic: str) -> None:
        self.left({key for key in self.book.partitions if key[0] == topic})

    def _note(self, error: KafkaError) -> None:
        self.trouble = error
        if is_refused(error) and self._joined is not None and not self._joined.done():
            self._joined.set_result(None)
        if error.code() in NO_TOPIC:
            self.clients.topics.make_later(self.subscriber)
        if self.dead:
            self._wake()

    @property
    def alive(self) -> bool:
        """Whether messages can arrive."""
        joined = self._joined is not None and self._joined.done()
        running = self._thread is not None and self._thread.alive
        return running and joined and self.trouble is None

    def _probe(self, consumer: Any) -> None:
        """In trouble the client says nothing when it is over: so the server is asked."""
        topics = wire_topics(self.subscriber)
        try:
            known = consumer.list_topics(timeout=PROBE_SECONDS).topics
        except KafkaException:
            return
        if all(each.name in known and known[each.name].error is None for each in topics):
            again = {
                (each.topic, each.partition)
                for each in consumer.assignment()
                if each.topic in self.commits.deleted and each.topic in known
            }
            begin = self.commits.begin_again(consumer, again) if again else ()
            seek(consumer, {(each.topic, each.partition): each.offset for each in begin})
            in_loop(self.thread.loop, self._over)

    def _over(self) -> None:
        trouble = self.trouble
        if trouble is not None and not trouble.fatal() and not is_refused(trouble):
            self.trouble = None

    def _ended(self, consumer: Any) -> None:
        # in the thread; a server that is away is not waited for: then its group has the old offset
        if self.trouble is None:
            self.commits.at_last(consumer)

    async def close(self) -> None:
        """Commits, leaves the group and ends the thread."""
        self.closing = True
        if self._thread is not None:
            await self._thread.close()
