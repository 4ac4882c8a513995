"""Request/reply: a consumer of the broker's own reads the topic for answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as native
from aiokafka.structs import TopicPartition

from anystream.core.exceptions import IncorrectState
from anystream.kafka.connection import KafkaConnection
from anystream.kafka.ending import end_consumer, start
from anystream.kafka_common.records import read_headers
from anystream.kafka_common.replies import PendingReplies
from anystream.kafka_common.topics import Topic

PAUSE_AFTER_ERROR = 0.5


class Replying:
    """Reads one topic from its end on and hands each answer to the request that waits for it.

    Args:
        connection: the broker's connection.
        topic: the topic for answers.
        know: sees to it that a topic exists.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: Topic,
        know: Callable[[Topic], Awaitable[None]],
    ) -> None:
        self.connection = connection
        self.topic = topic
        self.know = know
        self.pending = PendingReplies()
        self._consumer: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Opens the consumer at the first request; others wait for the same."""
        if self._reading is not None:
            return
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        opening = self._opening
        try:
            await asyncio.shield(opening)
        finally:
            if opening.done() and self._opening is opening:
                self._opening = None

    async def _open(self) -> None:
        await self.know(self.topic)
        made: Any = AIOKafkaConsumer(
            **{
                **self.connection.consumer_options(),
                "enable_auto_commit": False,
                "auto_offset_reset": "latest",
                "fetch_max_wait_ms": 100,
            }
        )
        try:
            partitions = await self._partitions()
            made.assign(partitions)
            await start(made)
            # the position must be known before the first request leaves
            await made.seek_to_end(*partitions)
        except BaseException as error:
            await end_consumer(made)
            if isinstance(error, native.KafkaError):
                raise self.connection.failure(error) from error
            raise
        self._consumer = made
        self._reading = asyncio.ensure_future(self._read(made))

    async def _partitions(self) -> list[TopicPartition]:
        producer: Any = self.connection.needed_producer()
        return [
            TopicPartition(self.topic.name, number)
            for number in sorted(await producer.partitions_for(self.topic.name))
        ]

    async def _read(self, consumer: Any) -> None:
        while True:
            try:
                record = await consumer.getone()
            except (native.KafkaError, native.ConsumerStoppedError) as error:
                self.connection.say(
                    logging.WARNING, f"answers on {self.topic.name!r} cannot be read: {error!r}"
                )
                await asyncio.sleep(PAUSE_AFTER_ERROR)
                continue
            self.pending.arrived(read_headers(record.headers).get("correlation_id", ""), record)

    async def ask(
        self, correlation_id: str, send: Callable[[], Awaitable[Any]], topic: str, timeout: float
    ) -> Any:
        """Sends a request and returns the record that answers it; see `PendingReplies.ask`."""

        async def ready_and_sent() -> None:
            await self.ready()
            await send()

        return await self.pending.ask(correlation_id, ready_and_sent, topic, timeout)

    async def close(self) -> None:
        """Ends the consumer, and all requests."""
        self.pending.fail(IncorrectState("the broker was stopped before an answer came"))
        opening, self._opening = self._opening, None
        reading, self._reading = self._reading, None
        for task in (opening, reading):
            if task is not None:
                task.cancel()
                await asyncio.wait([task], timeout=1.0)
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await end_consumer(consumer)
