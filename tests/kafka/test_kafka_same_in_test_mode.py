"""What handlers and publishers see in test mode, held against the server, and what can be read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from anystream.kafka import (
    KafkaBroker,
    KafkaPublishCommand,
    KafkaResponse,
    KafkaRouter,
    TestKafkaBroker,
)
from anystream.kafka.annotations import KafkaMessage
from tests.kafka.conftest import QUICK, Topics
from tests.waiting import Seen

SERVER = pytest.param(True, marks=pytest.mark.kafka, id="server")
BOTH = pytest.mark.parametrize("server", [pytest.param(False, id="test-mode"), SERVER])


def started(broker: KafkaBroker, server: bool) -> AbstractAsyncContextManager[Any]:
    """The broker in test mode, or on the server with its calls recorded."""
    return TestKafkaBroker(broker, with_real=server)


@pytest.fixture
def name(request: pytest.FixtureRequest, server: bool) -> str:
    """A topic that no other test uses."""
    if not server:
        return "t"
    topics: Topics = request.getfixturevalue("topics")
    return topics()


@pytest.fixture
def mode_broker(request: pytest.FixtureRequest, server: bool) -> KafkaBroker:
    """A broker that is not started; without a server it has an address of nobody."""
    url = request.getfixturevalue("kafka_url") if server else "127.0.0.1:1"
    return KafkaBroker(url, logger=None)


@BOTH
async def test_key_and_partition_of_a_handlers_call(
    server: bool, mode_broker: KafkaBroker, name: str
) -> None:
    """Handlers are asked for key and partition of their calls, like publishers."""

    @mode_broker.subscriber(name, **QUICK)
    async def handle(body: str) -> None: ...

    wrapper: Any = handle
    async with started(mode_broker, server):
        await mode_broker.publish("x", name, key="kk", partition=0)
        await wrapper.wait_call(10)
        await wrapper.assert_called_once_with("x", key=b"kk", partition=0)
        with pytest.raises(AssertionError, match="key is b'kk'"):
            await wrapper.assert_called_with("x", key=b"other")
        with pytest.raises(AssertionError, match="partition is 0"):
            await wrapper.assert_any_call("x", partition=1)


async def test_key_of_a_batch() -> None:
    """A batch is known by its first record."""
    broker = KafkaBroker(logger=None)

    @broker.subscriber("t", batch=True)
    async def handle(body: list[str]) -> None: ...

    wrapper: Any = handle
    async with TestKafkaBroker(broker):
        await broker.publish_batch("a", KafkaResponse("b", key="2"), topic="t", key="1")
        await wrapper.assert_called_once_with(["a", "b"], key=b"1", partition=0)


@BOTH
async def test_values_keys_and_types(
    server: bool, mode_broker: KafkaBroker, name: str, seen: Seen
) -> None:
    """None, alone and in a batch, with a key and without: the same records with either."""

    @mode_broker.subscriber(name, **QUICK)
    async def handle(message: KafkaMessage) -> None:
        raw = message.raw_message
        seen((raw.key, raw.value, dict(raw.headers).get("content-type")))

    async with started(mode_broker, server):
        await mode_broker.publish(None, name, key="k")
        await mode_broker.publish(None, name)
        await mode_broker.publish_batch(KafkaResponse(None, key="k"), None, b"x", topic=name)
        await seen.count(5)
    assert seen.items == [
        (b"k", None, b""),
        (None, b"", b""),
        (b"k", b"", None),
        (None, b"", None),
        (None, b"x", None),
    ]


async def test_the_consumer_in_test_mode() -> None:
    """What handlers call of the client's consumer is there and harms nobody."""
    broker = KafkaBroker(logger=None)
    found: list[Any] = []
    place = TopicPartition("t", 0)

    @broker.subscriber("t", group_id="g")
    async def handle(body: int, message: KafkaMessage) -> None:
        consumer = message.consumer
        if body == 2:
            await consumer.commit()
        if body == 3:
            await consumer.commit({place: 1})
            consumer.seek(place, 0)
            await consumer.seek_to_beginning(place)
            consumer.pause(place)
        found.append((await consumer.committed(place), await consumer.position(place)))
        assert consumer.assignment() == {place}
        assert consumer.highwater(place) == body

    async with TestKafkaBroker(broker):
        for body in (1, 2, 3):
            await broker.publish(body, "t")
    assert found == [(None, 1), (2, 2), (1, 3)]


@BOTH
@pytest.mark.parametrize(
    ("returned", "sent"),
    [
        ([1, 2], [1, 2]),
        ((1, 2), [1, 2]),
        (KafkaResponse([1, 2]), [[1, 2]]),
        (KafkaResponse([], key="k"), [[]]),
        ([KafkaResponse([1], key="k"), 2], [[1], 2]),
        (3, [3]),
    ],
)
async def test_what_a_batch_publisher_makes_of_a_result(
    server: bool, mode_broker: KafkaBroker, name: str, topics: Topics, returned: Any, sent: Any
) -> None:
    """A returned list is a batch; a list in a `KafkaResponse` is one body."""
    source = topics() if server else "source"
    publisher = mode_broker.publisher(name, batch=True)

    @publisher
    @mode_broker.subscriber(source, **QUICK)
    async def handle(body: str) -> Any:
        return returned

    @mode_broker.subscriber(name, batch=True, **QUICK)
    async def target(body: list[Any]) -> None: ...

    wrapper: Any = target
    async with started(mode_broker, server):
        await mode_broker.publish("x", source)
        await wrapper.wait_call(10)
        wrapper.mock.assert_called_once_with(sent)
        publisher.mock.assert_called_once_with(sent)


async def test_an_empty_batch_is_no_message() -> None:
    """Nothing is sent, and the publisher's mock was not called."""
    broker = KafkaBroker(logger=None)
    publisher = broker.publisher("out", batch=True)

    @publisher
    @broker.subscriber("in")
    async def handle(body: str) -> list[str]:
        return []

    @broker.subscriber("out", batch=True)
    async def target(body: list[str]) -> None: ...

    wrapper: Any = target
    async with TestKafkaBroker(broker):
        await broker.publish("x", "in")
        assert not wrapper.mock.called
        assert not publisher.mock.called


def test_what_can_be_read_of_declarations() -> None:
    """Topics, partitions, groups, keys and headers, prefixes included."""
    broker, router = KafkaBroker(logger=None), KafkaRouter(prefix="p.")
    publisher = router.publisher(
        "out", key="k", partition=1, headers={"h": "1"}, reply_to="answers"
    )
    by_name = router.subscriber("a", "b", group_id="g")
    by_hand = router.subscriber(partitions=[TopicPartition("c", 2)])
    broker.include_router(router)
    assert [topic.name for topic in by_name.topics] == ["p.a", "p.b"]
    assert (by_name.partitions, by_name.group_id) == ([], "g")
    assert by_hand.partitions == [TopicPartition("p.c", 2)]
    assert (by_hand.topics, by_hand.group_id) == ([], None)
    assert (publisher.topic, publisher.key, publisher.partition) == ("p.out", "k", 1)
    assert (publisher.headers, publisher.reply_to) == ({"h": "1"}, "answers")
    bare = broker.publisher("out")
    assert (bare.topic, bare.key, bare.partition, bare.reply_to) == ("out", None, None, "")
    assert bare.headers == {}


@pytest.mark.parametrize("bodies", [(), ("a",), ("a", "b", "c")])
def test_extra_bodies(bodies: Sequence[str]) -> None:
    """All but the first; setting them keeps the first."""
    command = KafkaPublishCommand(*bodies, topic="t")
    assert command.extra_bodies == bodies[1:]
    if bodies:
        command.extra_bodies = ("x", "y")
        assert command.batch_bodies == ("a", "x", "y")
