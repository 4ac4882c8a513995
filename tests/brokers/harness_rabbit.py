"""RabbitMQ: queues behind the default exchange, queues bound to a topic exchange, quorum queues."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, ClassVar

import aio_pika
from hypothesis import strategies as st

from anystream.rabbit import (
    ExchangeType,
    QueueType,
    RabbitBroker,
    RabbitExchange,
    RabbitPublisher,
    RabbitQueue,
    RabbitResponse,
    RabbitRoute,
    RabbitRouter,
    TestRabbitBroker,
)
from anystream.rabbit.annotations import RabbitMessage
from anystream.rabbit.errors import ConnectionLost
from anystream.rabbit.message import RabbitMessage as MessageClass
from tests.broker_probes import TARGETS
from tests.brokers.harness import RUN, Harness

WORDS = st.sampled_from(["a", "b", "ab", "A", "1-x", ""])
EXCHANGE = RabbitExchange(f"anystream.{RUN}", ExchangeType.TOPIC)


class RabbitHarness(Harness):
    name = "rabbit"
    kinds = ("queue", "topic", "quorum")
    settling = ("queue", "topic", "quorum")
    pattern_kind = everyone_kind = group_kind = "topic"
    fate_words: ClassVar = {
        "ack": "`basic.ack`: done",
        "nack": "`basic.nack`: back into the queue, delivered again at once "
        "(`requeue=False`: as `reject`)",
        "reject": "`basic.reject`: dead-lettered if the queue has a dead letter exchange, "
        "else gone",
        "nothing": "kept by the server for this consumer; delivered again when its channel "
        "or connection ends",
    }

    broker_class = RabbitBroker
    router_class = RabbitRouter
    route_class = RabbitRoute
    route_publisher_class = RabbitPublisher
    test_class = TestRabbitBroker
    response_class = RabbitResponse
    message_class = MessageClass
    message = RabbitMessage
    publisher_argument = "queue"

    def __init__(self) -> None:
        self._queues: set[str] = set()
        self._numbers = count(1)

    def broker(self, **options: Any) -> RabbitBroker:
        return RabbitBroker(TARGETS["rabbit"].url, **options)

    def broker_nowhere(self, **options: Any) -> RabbitBroker:
        return RabbitBroker("amqp://guest:guest@127.0.0.1:1/", **options)

    def source(
        self, address: str, kind: str, *, group: str | None = None, batch: bool = False
    ) -> dict[str, Any]:
        options: dict[str, Any] = {"batch": True} if batch else {}
        if kind == "topic":
            name = f"{RUN}.{group or next(self._numbers)}"
            self._queues.add(name)
            queue = RabbitQueue(name, routing_key=address)
            return {"queue": queue, "exchange": EXCHANGE, **options}
        self._queues.add(address)
        if kind == "quorum":
            return {"queue": RabbitQueue(address, QueueType.QUORUM), **options}
        return {"queue": address, **options}

    def target(self, address: str, kind: str) -> dict[str, Any]:
        if kind == "topic":
            return {"routing_key": address, "exchange": EXCHANGE}
        return {"queue": address}

    def away(self) -> Exception:
        return ConnectionLost("away")

    async def publish_refused(self, broker: RabbitBroker, address: str) -> Any:
        return await broker.publish("x", address, exchange=RabbitExchange(f"no-such-{RUN}"))

    async def send_foreign(
        self, data: bytes, address: str, kind: str, headers: Mapping[str, str]
    ) -> None:
        connection = await aio_pika.connect(TARGETS["rabbit"].url)
        try:
            channel = await connection.channel()
            exchange = channel.default_exchange
            if kind == "topic":
                exchange = await channel.get_exchange(EXCHANGE.name)
            # in AMQP these two are properties of their own
            table = dict(headers)
            message = aio_pika.Message(
                data,
                correlation_id=table.pop("correlation_id", None),
                content_type=table.pop("content-type", None),
                headers=dict(table),
            )
            await exchange.publish(message, address)
        finally:
            await connection.close()

    async def left(self, address: str, kind: str, group: str) -> int:
        name = f"{RUN}.{group}" if kind == "topic" else address
        connection = await aio_pika.connect(TARGETS["rabbit"].url)
        try:
            channel = await connection.channel()
            queue = await channel.declare_queue(name, passive=True)
            return queue.declaration_result.message_count or 0
        finally:
            await connection.close()

    async def clean(self) -> None:
        if not self._queues:
            return
        connection = await aio_pika.connect(TARGETS["rabbit"].url)
        try:
            channel = await connection.channel()
            for name in self._queues:
                await channel.queue_delete(name)
            await channel.exchange_delete(EXCHANGE.name)
        finally:
            await connection.close()

    def patterns(self, root: str) -> st.SearchStrategy[str]:
        words = st.lists(WORDS | st.sampled_from(["*", "#", "*", "#"]), max_size=4)
        return words.map(lambda found: ".".join([root, *found]))

    def concrete(self, root: str) -> st.SearchStrategy[str]:
        return st.lists(WORDS, max_size=4).map(lambda words: ".".join([root, *words]))


HARNESS = RabbitHarness()
