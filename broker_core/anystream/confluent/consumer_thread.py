"""One consumer, and the one thread that calls it.

The methods of a librdkafka consumer exclude one another: while one thread polls, every call in
another one waits, be it in the event loop. So a consumer lives in a thread of its own, which takes
messages in batches when it is told to and does between them what is asked of it. A batch crosses
to the event loop in one step; nothing crosses per message.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from confluent_kafka import KafkaError

from anystream.confluent.blocking import settle
from anystream.confluent.reports import ClientReports, in_loop
from anystream.core.exceptions import IncorrectState

T = TypeVar("T")

LOOK_SECONDS = 0.05  # of one call of the client: what is asked for meanwhile has to wait
LAST_STEPS = 0.5  # after its last word a thread has only to end
IDLE_SECONDS = 0.5  # between looks at what has to be done while nothing is to be taken
HOLD_SECONDS = 2.0  # after so long without a poll the partitions are paused, and polled for life

# take: how many at most, how long to wait, whether to wait until they are that many
Want = tuple[int, float, bool]


class Hooks:
    """What a consumer's thread asks of its owner; all but `arrived` are called in the thread.

    Args:
        make: makes the consumer, subscribed or assigned.
        arrived: takes a batch, in the event loop.
        tick: called several times a second.
        ended: called once with the consumer before it is closed.
        problem: takes errors that came in place of messages.
    """

    def __init__(
        self,
        *,
        make: Callable[[], Any],
        arrived: Callable[[list[Any]], None],
        tick: Callable[[Any], None],
        ended: Callable[[Any], None],
        problem: Callable[[KafkaError, Any], None],
    ) -> None:
        self.make = make
        self.arrived = arrived
        self.tick = tick
        self.ended = ended
        self.problem = problem


class ConsumerThread:
    """Runs a consumer.

    Args:
        name: of the thread.
        hooks: see `Hooks`.
        reports: where errors are counted and written.
    """

    def __init__(self, name: str, hooks: Hooks, reports: ClientReports) -> None:
        self.hooks = hooks
        self.reports = reports
        self.loop = asyncio.get_running_loop()
        self.gone: set[tuple[str, int]] = set()  # partitions lost during the batch in hand
        self.failed: BaseException | None = None
        self.consumer: Any = None  # the client's, while it is open
        self._work: queue.SimpleQueue[Callable[[Any], None]] = queue.SimpleQueue()
        self._want: Want | None = None
        self._early: list[Any] = []  # came while everything was paused
        self._held = False
        self._crowded: set[tuple[str, int]] = set()  # paused until their messages are handled
        self._last_poll = 0.0
        self._closing = False
        self._opened: asyncio.Future[None] = self.loop.create_future()
        self._closed: asyncio.Future[None] = self.loop.create_future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # In the event loop

    async def start(self) -> None:
        """Makes the consumer; raises what that raises."""
        self._thread.start()
        await asyncio.shield(self._opened)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive() and not self._closing and self.failed is None

    def want(self, most: int, seconds: float, *, full: bool = False) -> None:
        """Has the next batch taken.

        Args:
            most: how many messages at most.
            seconds: how long one look for messages lasts.
            full: wait so long for more, unless they are that many already.
        """
        self.post(lambda _: setattr(self, "_want", (most, seconds, full)))

    async def want_nothing(self) -> None:
        """When it returns, no batch is on its way."""
        await self.call(lambda _: setattr(self, "_want", None))

    def post(self, work: Callable[[Any], None]) -> None:
        """Has something done with the consumer; does not wait for it."""
        self._work.put(work)

    async def call(self, work: Callable[[Any], T]) -> T:
        """Has something done with the consumer and returns its result, or raises its error.

        Raises:
            IncorrectState: the thread has ended.
        """
        future: asyncio.Future[T] = self.loop.create_future()

        def run(consumer: Any) -> None:
            try:
                result = work(consumer)
            except BaseException as error:
                in_loop(self.loop, settle, future, None, error)
            else:
                in_loop(self.loop, settle, future, result, None)

        self.post(run)
        if self._closed.done():
            raise IncorrectState(f"{self._thread.name} has ended")
        both: set[asyncio.Future[Any]] = {future, self._closed}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            raise IncorrectState(f"{self._thread.name} has ended")
        return future.result()

    async def close(self) -> None:
        """Ends the thread and waits for that."""
        self._closing = True
        self.post(_nothing)
        if self._thread.ident is not None:
            await asyncio.shield(self._closed)
            self._thread.join(LAST_STEPS)

    # In the thread

    def _run(self) -> None:
        try:
            consumer = self.consumer = self.hooks.make()
        except BaseException as error:
            self.failed = error
            in_loop(self.loop, settle, self._opened, None, error)
            in_loop(self.loop, settle, self._closed, None, None)
            return
        in_loop(self.loop, settle, self._opened, None, None)
        try:
            while not self._closing:
                self._turn(consumer)
        except BaseException as error:
            self.failed = error
            self.reports.count("consumer", 40, f"{self._thread.name} has died: {error!r}")
            in_loop(self.loop, self.hooks.arrived, [])
        finally:
            self._end(consumer)

    def _end(self, consumer: Any) -> None:
        self.consumer = None
        for last in (self.hooks.ended, type(consumer).close):
            try:
                last(consumer)
            except BaseException as error:
                self.reports.count("close", 30, f"{self._thread.name}: {error!r} at the end")
        in_loop(self.loop, settle, self._closed, None, None)

    def _turn(self, consumer: Any) -> None:
        self.hooks.tick(consumer)
        if self._want is None:
            if not self.serve(consumer, IDLE_SECONDS):
                self._keep_alive(consumer)
        elif not self.serve(consumer, 0):
            self._take(consumer, *self._want)

    def serve(self, consumer: Any, seconds: float) -> bool:
        """Does one thing that was asked for; waits for it so long; False when there was none."""
        try:
            work = self._work.get(timeout=seconds) if seconds else self._work.get_nowait()
        except queue.Empty:
            return False
        work(consumer)
        return True

    def serve_until(self, consumer: Any, done: threading.Event, seconds: float) -> bool:
        """Does what is asked for until an event is set; False when the time is over before."""
        deadline = time.monotonic() + seconds
        while not done.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.serve(consumer, min(left, 0.02))
        return True

    def _take(self, consumer: Any, most: int, seconds: float, full: bool) -> None:
        if self._held:
            self._held = False
            free = [each for each in consumer.assignment() if _key(each) not in self._crowded]
            consumer.resume(free)
        self.gone.clear()
        batch, self._early = self._early, []
        if full:
            batch += consumer.consume(most, seconds)
        else:
            first = None if batch else consumer.poll(min(seconds, LOOK_SECONDS))
            if first is not None:
                batch.append(first)
            if batch and len(batch) < most:
                batch += consumer.consume(most - len(batch), 0)
        self._last_poll = time.monotonic()
        good = self._without_errors(batch)
        if good:
            self._want = None
            in_loop(self.loop, self.hooks.arrived, good)

    def _without_errors(self, batch: Sequence[Any]) -> list[Any]:
        good = [message for message in batch if message.error() is None]
        if len(good) < len(batch):
            for message in batch:
                error = message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    self.hooks.problem(error, message)
        if self.gone:
            gone = self.gone
            good = [each for each in good if (each.topic(), each.partition()) not in gone]
        return good

    def partitions_came(self) -> None:
        """New partitions are not paused."""
        self._held = False

    def crowd(self, consumer: Any, full: set[tuple[str, int]]) -> None:
        """Takes nothing of these partitions; takes those that were in the last call, not in this
        one, again."""
        known = {_key(each): each for each in consumer.assignment()}
        stop = [known[key] for key in full - self._crowded if key in known]
        go = [known[key] for key in self._crowded - full if key in known]
        self._crowded = full
        if stop:
            consumer.pause(stop)
        if go and not self._held:
            consumer.resume(go)

    def _keep_alive(self, consumer: Any) -> None:
        """The server throws out members that do not poll, and they learn of changes by polling."""
        if time.monotonic() - self._last_poll < HOLD_SECONDS:
            return
        if not self._held:
            self._held = True
            consumer.pause(consumer.assignment())
        self.gone.clear()
        early = consumer.poll(0)
        if early is not None:
            self._early += self._without_errors([early])


def _key(partition: Any) -> tuple[str, int]:
    return (partition.topic, partition.partition)


def _nothing(_: Any) -> None:
    pass
