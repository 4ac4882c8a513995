"""The producer, and the one thread that serves its callbacks."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from anystream.confluent.blocking import settle
from anystream.confluent.errors import publish_error
from anystream.confluent.reports import ClientReports, in_loop

ROOM_SECONDS = 0.1
FULL_SECONDS = 10.0  # so long a publish waits for room in the client's buffer
LAST_STEPS = 0.5  # after its last word the thread has only to end
POLL_SECONDS = 0.05  # how long the thread sleeps at most; a report wakes it at once
STUCK_SECONDS = 3.0  # so long the end waits for a server that confirms nothing
CLOSE_SECONDS = 15.0  # and so long for one that does


class Producing:
    """Hands records to librdkafka and turns its delivery reports into futures.

    The reports of one wake-up of the thread cross to the event loop together.

    Args:
        reports: where errors are written.
    """

    def __init__(self, reports: ClientReports) -> None:
        self.reports = reports
        self.producer: Any = None
        self._loop: Any = None
        self._delivered: deque[tuple[Any, ...]] = deque()
        self._woken = False
        self._pending = 0  # handed over, no report yet
        self._room: asyncio.Event | None = None
        self._stopping = False
        self._ended: asyncio.Future[int] | None = None
        self._thread: threading.Thread | None = None

    def start(self, producer: Any) -> None:
        """Takes a producer and starts the thread."""
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._stopping, self._pending = False, 0
        self._ended = self._loop.create_future()
        self.producer = producer
        self._thread = threading.Thread(
            target=self._serve, args=(producer,), name="anystream-confluent-producer", daemon=True
        )
        self._thread.start()

    def hand_over(
        self,
        topic: str,
        value: bytes | None,
        key: Any,
        headers: list[tuple[str, bytes]],
        partition: int | None,
        timestamp_ms: int | None,
        limit: float | None,
    ) -> asyncio.Future[Any] | None:
        """Hands over one record.

        Args:
            limit: seconds after which the future fails, whatever becomes of the record. None if
                nobody has to await it: then a failure is written and counted; the client tries
                for `message.timeout.ms`, five minutes by default.

        Returns:
            A future of the delivered record; None when the client's buffer is full.

        Raises:
            PublishError: the client refuses it.
        """
        future: asyncio.Future[Any] = self._loop.create_future()
        size = len(value) if value else 0
        timer: asyncio.TimerHandle | None = None
        if limit is not None:
            timer = self._loop.call_later(limit, _late, future, topic, size)
        options: dict[str, Any] = {}
        if partition is not None:
            options["partition"] = partition
        if timestamp_ms is not None:
            options["timestamp"] = timestamp_ms
        report = partial(self._on_delivery, future, timer, topic, size)
        try:
            self.producer.produce(topic, value, key, headers=headers, on_delivery=report, **options)
        except (BufferError, KafkaException) as error:
            if timer is not None:
                timer.cancel()
            if isinstance(error, BufferError):
                return None
            raise publish_error(error, topic, size) from error
        self._pending += 1
        return future

    async def send(self, topic: str, value: bytes | None, *record: Any) -> asyncio.Future[Any]:
        """The same; while the client's buffer is full it waits for room.

        Raises:
            PublishError: the client refuses it, or there was no room in time.
        """
        future = self.hand_over(topic, value, *record)
        deadline = self._loop.time() + (record[-1] or FULL_SECONDS)
        while future is None:
            if self.producer is None or self._loop.time() >= deadline:
                full = KafkaError(KafkaError._QUEUE_FULL, "the client's buffer is full")
                raise publish_error(full, topic, len(value or b""))
            await self._until_room()
            if self.producer is not None:
                future = self.hand_over(topic, value, *record)
        return future

    async def _until_room(self) -> None:
        """Waits until something was delivered, or a moment: the client's buffer is full of what
        others of its kind (requests, retries) put there, too."""
        if self._room is not None:
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), ROOM_SECONDS)
            except asyncio.TimeoutError:
                return

    def _on_delivery(
        self, future: Any, timer: Any, topic: str, size: int, error: Any, record: Any
    ) -> None:
        # in the thread
        self._delivered.append((future, timer, error, record, topic, size))
        if not self._woken:
            self._woken = True
            in_loop(self._loop, self._settle)

    def _settle(self) -> None:
        # in the event loop; the flag goes down first, so that nothing added later is forgotten
        self._woken = False
        delivered = self._delivered
        while delivered:
            future, timer, error, record, topic, size = delivered.popleft()
            self._pending -= 1
            if timer is not None:
                timer.cancel()
            if future.done():  # nobody waits any more
                continue
            if error is None:
                future.set_result(record)
            else:
                future.set_exception(publish_error(error, topic, size))
                if timer is None:  # nobody has to await it
                    self.reports.count("not delivered", logging.ERROR, str(future.exception()))
        if self._room is not None:
            self._room.set()

    async def flush(self) -> None:
        """Waits until everything that was handed over is delivered or has failed."""
        while self.producer is not None and self._pending:
            await self._until_room()

    def _serve(self, producer: Any) -> None:
        poll = producer.poll
        while not self._stopping:
            try:
                poll(POLL_SECONDS)
            except Exception as error:  # a callback of the user's (oauth_cb, stats_cb)
                self.reports.count("callback", logging.ERROR, f"a callback failed: {error!r}")
        left = _flushed(producer)
        if left:
            producer.purge()
            producer.poll(0)
        ended = self._ended
        del producer, poll
        if ended is not None:
            in_loop(self._loop, settle, ended, left, None)

    async def close(self) -> None:
        """Sends what waits and ends the thread; gives up when the server confirms nothing."""
        if self.producer is None or self._ended is None:
            return
        self._stopping, self.producer = True, None
        left = 0
        try:
            left = await asyncio.wait_for(self._ended, CLOSE_SECONDS + STUCK_SECONDS)
            if self._thread is not None:
                self._thread.join(LAST_STEPS)
        except asyncio.TimeoutError:
            self.reports.say(logging.ERROR, "the Kafka producer did not end in time")
        if left:
            self.reports.say(
                logging.ERROR,
                f"{left} message(s) are lost: Kafka did not confirm them before the stop",
            )
        self._settle()


def _late(future: asyncio.Future[Any], topic: str, size: int) -> None:
    if not future.done():
        timed_out = KafkaError(KafkaError._TIMED_OUT, "publish_timeout")
        future.set_exception(publish_error(timed_out, topic, size))


def _flushed(producer: Any) -> int:
    """Waits for the server as long as it confirms something; returns what is left."""
    began = progress = time.monotonic()
    left = len(producer)
    while left:
        before = left
        left = producer.flush(POLL_SECONDS)
        now = time.monotonic()
        if left < before:
            progress = now
        if now - progress > STUCK_SECONDS or now - began > CLOSE_SECONDS:
            break
    return left
