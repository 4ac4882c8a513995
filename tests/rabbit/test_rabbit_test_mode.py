"""`TestRabbitBroker` routes as the server does."""

from __future__ import annotations

import asyncio
from typing import Any

import aio_pika
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anystream.core.exceptions import SubscriberNotFound
from anystream.rabbit import (
    ExchangeType,
    RabbitBroker,
    RabbitExchange,
    RabbitQueue,
    TestRabbitBroker,
)
from anystream.rabbit.annotations import Channel, Connection, RabbitMessage, RabbitProducer
from anystream.rabbit.routing import headers_match, topic_matches


@pytest.mark.parametrize(
    ("pattern", "key", "taken"),
    [
        ("a.b", "a.b", True),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("a.#", "a", True),
        ("#", "", True),
        ("*", "", False),
        ("", "", True),
        ("#.b", "b", True),
        ("a.#.b", "a.b", True),
        ("a.#.b", "a.x.y.b", True),
        ("#.#", "a", True),
        ("#.*.*.test", "1.2.test", True),  # AMQP's rule, not FastStream's
        ("a..b", "a..b", True),
        ("a.*.b", "a..b", True),
    ],
)
def test_topics(pattern: str, key: str, taken: bool) -> None:
    """`*` is one word, `#` any number of them; words may be empty."""
    assert topic_matches(pattern, key) is taken


VALUES = st.sampled_from([1, 2, "1", "x", True, None])
TABLES = st.dictionaries(st.sampled_from(["a", "b", "x-c"]), VALUES, max_size=3)
MATCHES = st.sampled_from([{}, {"x-match": "all"}, {"x-match": "any"}])


@pytest.mark.rabbit
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    bindings=st.lists(st.tuples(MATCHES, TABLES), min_size=6, max_size=12),
    headers=st.lists(TABLES, min_size=6, max_size=12),
)
def test_headers_as_on_the_server(rabbit_url: str, bindings: Any, headers: Any) -> None:
    """What the server's headers exchange does with a binding, the test broker does."""

    async def on_the_server() -> list[tuple[int, int]]:
        found = []
        async with await aio_pika.connect(rabbit_url) as connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange(
                "anystream.test.headers", "headers", auto_delete=True
            )
            queues = []
            for match, table in bindings:
                queue = await channel.declare_queue(exclusive=True, auto_delete=True)
                await queue.bind(exchange, "", arguments={**match, **table})
                queues.append(queue)
            for number, table in enumerate(headers):
                message = aio_pika.Message(b"%d" % number, headers=table)
                await exchange.publish(message, "", mandatory=False)
            for position, queue in enumerate(queues):
                while (message := await queue.get(fail=False, no_ack=True)) is not None:
                    found.append((position, int(message.body)))
                await queue.unbind(
                    exchange, "", arguments={**bindings[position][0], **bindings[position][1]}
                )
                await queue.delete()
        return found

    in_memory = [
        (position, number)
        for position, (match, table) in enumerate(bindings)
        for number, given_headers in enumerate(headers)
        if headers_match({**match, **table}, given_headers)
    ]
    assert asyncio.run(on_the_server()) == in_memory


async def test_every_type_of_exchange() -> None:
    """Direct, fanout, headers, hashes, delays, and exchanges bound to exchanges."""
    broker = RabbitBroker(logger=None)
    got: list[str] = []
    fanout = RabbitExchange("f", ExchangeType.FANOUT)
    exchanges = {
        "direct": RabbitExchange("d"),
        "fanout": fanout,
        "delayed": RabbitExchange(
            "x", ExchangeType.X_DELAYED_MESSAGE, arguments={"x-delayed-type": "topic"}
        ),
        "inner": RabbitExchange("i", bind_to=fanout),
    }

    def declare(label: str, key: str, exchange: RabbitExchange) -> None:
        @broker.subscriber(RabbitQueue(label, routing_key=key), exchange)
        async def handle(body: str) -> None:
            got.append(label)

    for label, exchange in exchanges.items():
        declare(label, "k.#" if label == "delayed" else "k", exchange)
    async with TestRabbitBroker(broker):
        await broker.publish("", routing_key="k", exchange="d")
        await broker.publish("", routing_key="k", exchange=fanout)
        await broker.publish("", routing_key="k.a.b", exchange="x")
        await broker.publish("", "direct")  # each queue has its name at the default exchange
        with pytest.raises(SubscriberNotFound, match="nobody reads"):
            await broker.publish("", routing_key="other", exchange="d")
    assert got == ["direct", "fanout", "inner", "delayed", "direct"]


async def test_a_hash_exchange_keeps_a_key_together() -> None:
    """All messages of a key go to one queue; all queues get some keys."""
    broker, got = RabbitBroker(logger=None), set()
    exchange = RabbitExchange("h", ExchangeType.X_CONSISTENT_HASH)
    for number in range(3):

        def declare(number: int) -> None:
            @broker.subscriber(RabbitQueue(f"q{number}", routing_key="1"), exchange)
            async def handle(body: str, message: RabbitMessage) -> None:
                got.add((message.raw_message.routing_key, number))

        declare(number)
    async with TestRabbitBroker(broker):
        for _ in range(2):
            for key in range(20):
                await broker.publish("", routing_key=str(key), exchange=exchange)
    assert len(got) == 20
    assert {number for _, number in got} == {0, 1, 2}


async def test_two_readers_of_a_queue_share_it() -> None:
    """As at the server, one of them gets each message."""
    broker, got = RabbitBroker(logger=None), []
    for number in range(2):

        def declare(number: int) -> None:
            @broker.subscriber("q")
            async def handle(body: str) -> None:
                got.append(number)

        declare(number)
    async with TestRabbitBroker(broker):
        for _ in range(4):
            await broker.publish("x", "q")
    assert sorted(got) == [0, 0, 1, 1]


async def test_what_handlers_see() -> None:
    """The client's message, with all that was published; acknowledging does no harm."""
    broker, got = RabbitBroker(logger=None, app_id="a"), []

    @broker.subscriber(RabbitQueue("q", routing_key="k"), RabbitExchange("e"))
    async def handle(body: bytes, message: RabbitMessage) -> None:
        raw = message.raw_message
        got.append((raw.exchange, raw.routing_key, raw.app_id, raw.type, raw.headers["h"]))
        assert message.message_id == message.correlation_id == "c"
        await raw.ack()
        await message.nack()

    async with TestRabbitBroker(broker):
        await broker.publish(
            b"x",
            routing_key="k",
            exchange="e",
            correlation_id="c",
            message_type="t",
            headers={"h": [1]},
        )
        await broker.publish(
            aio_pika.Message(
                b"x", app_id="b", headers={"h": 2}, correlation_id="c", message_id="c"
            ),
            routing_key="k",
            exchange="e",
        )
    assert got == [("e", "k", "a", "t", [1]), ("e", "k", "b", None, 2)]


async def test_publishers_are_known_by_key_and_exchange() -> None:
    """A declared destination that nobody reads records what goes there; another one raises."""
    broker = RabbitBroker(logger=None)
    one = broker.publisher("out")
    two = broker.publisher("out", "e")
    async with TestRabbitBroker(broker):
        await one.publish("1")
        await two.publish("2")
        one.mock.assert_called_once_with("1")
        two.mock.assert_called_once_with("2")
        await broker.publish_batch("3", "4", queue="out")


async def test_what_needs_a_server_is_a_mock() -> None:
    """Handlers that ask for the channel or declare queues can be tested; equal is the same."""
    broker, got = RabbitBroker(logger=None), []

    @broker.subscriber("q")
    async def handle(
        body: str, channel: Channel, connection: Connection, producer: RabbitProducer
    ) -> None:
        await channel.set_qos(3)
        queue = await broker.declare_queue("other")
        await queue.purge()
        got.append((channel, connection, producer, queue))

    async with TestRabbitBroker(broker):
        await broker.publish("x", "q")
        ((channel, connection, producer, queue),) = got
        channel.set_qos.assert_awaited_once_with(3)
        assert channel is broker.channel
        assert connection is broker.connection
        assert producer is broker.producer
        queue.purge.assert_awaited_once_with()
        assert queue.name == "other"
        assert await broker.declare_queue(RabbitQueue("other")) is queue
        exchange = await broker.declare_exchange(RabbitExchange("e"))
        assert await broker.declare_exchange("e") is exchange
        assert exchange is not queue
