"""Answers to requests: one consumer that reads the reply topic from its end on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from confluent_kafka import OFFSET_END, Consumer, KafkaError, TopicPartition

from anystream.confluent.consumer_thread import ConsumerThread, Hooks
from anystream.confluent.message import known_headers
from anystream.core.ids import gen_cor_id
from anystream.kafka_common.replies import PendingReplies

if TYPE_CHECKING:
    from anystream.confluent.clients import KafkaClients
    from anystream.kafka_common.topics import Topic

LOOK_SECONDS = 0.1
MOST = 100
ASK_SECONDS = 10.0


class Replies:
    """Opened by the first request, closed with the connection.

    Args:
        clients: makes the consumer.
        topic: the reply topic.
    """

    def __init__(self, clients: KafkaClients, topic: Topic) -> None:
        self.clients = clients
        self.topic = topic
        self.pending = PendingReplies()
        self._thread: ConsumerThread | None = None
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Makes the topic if it is missing, and reads it from now on; once."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
        opening = self._opening
        try:
            await asyncio.shield(opening)
        except BaseException:
            if opening.done():
                self._opening = None  # the next request tries again
            raise

    async def _open(self) -> None:
        await self.clients.topics.ensure({self.topic.name: (self.topic, None)})
        hooks = Hooks(
            make=self._make,
            arrived=self._arrived,
            tick=_nothing,
            ended=_nothing,
            problem=self._problem,
        )
        thread = ConsumerThread("anystream-confluent replies", hooks, self.clients.reports)
        await thread.start()
        self._thread = thread
        thread.want(MOST, LOOK_SECONDS)

    def _make(self) -> Any:
        # in the thread; the place of the end is asked for here, so that it is the end of now
        ownership = {"enable.auto.commit": False, "enable.auto.offset.store": False}
        # a group of its own, which no server ever sees: nothing joins it and nothing is committed
        config = self.clients.config.consumer({}, f"anystream-replies-{gen_cor_id()}", ownership)
        name = self.topic.name
        consumer = self.clients.make(Consumer, config, f"the consumer of {name!r}")
        partitions = consumer.list_topics(name, timeout=ASK_SECONDS).topics[name].partitions
        ends = consumer.offsets_for_times(
            [TopicPartition(name, number, OFFSET_END) for number in partitions],
            timeout=ASK_SECONDS,
        )
        consumer.assign(ends)
        return consumer

    def _arrived(self, batch: list[Any]) -> None:
        thread = self._thread
        if thread is None:
            return
        if thread.failed is not None:
            self._thread = self._opening = None
            self.pending.fail(ConnectionError(f"the replies cannot be read: {thread.failed!r}"))
            return
        for raw in batch:
            for name, value in known_headers(raw):
                if name == "correlation_id":
                    self.pending.arrived(value.decode(errors="replace"), raw)
        thread.want(MOST, LOOK_SECONDS)

    def _problem(self, error: KafkaError, message: Any) -> None:
        self.clients.reports.on_error(f"the consumer of {self.topic.name!r}", error)

    async def close(self) -> None:
        """Ends the consumer; requests that wait fail."""
        opening, self._opening = self._opening, None
        if opening is not None and not opening.done():
            opening.cancel()
            await asyncio.wait({opening})
        thread, self._thread = self._thread, None
        self.pending.fail(ConnectionError("the broker was stopped"))
        if thread is not None:
            await asyncio.wait({asyncio.ensure_future(thread.close())}, timeout=5.0)


def _nothing(_: Any) -> None:
    pass
