"""`message.consumer`, and test mode held against the server."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from anystream.confluent import (
    KafkaBroker,
    KafkaResponse,
    KafkaRouter,
    TestKafkaBroker,
    TopicPartition,
)
from anystream.confluent.annotations import KafkaMessage
from anystream.confluent.errors import CommitFailed
from anystream.core import AckPolicy
from anystream.core.exceptions import IncorrectState
from tests.confluent.conftest import QUICK, Server
from tests.waiting import Seen, running

SERVER = pytest.param(True, marks=pytest.mark.confluent, id="server")
BOTH = pytest.mark.parametrize("on_server", [pytest.param(False, id="test-mode"), SERVER])


def started(broker: KafkaBroker, on_server: bool) -> AbstractAsyncContextManager[Any]:
    """The broker in test mode, or on the server with its calls recorded."""
    return TestKafkaBroker(broker, with_real=on_server)


@pytest.fixture
def name(request: pytest.FixtureRequest, on_server: bool) -> str:
    """A topic that no other test uses."""
    return str(request.getfixturevalue("topic")) if on_server else "t"


@pytest.fixture
def mode_broker(request: pytest.FixtureRequest, on_server: bool) -> KafkaBroker:
    """A broker that is not started; without a server it has an address of nobody."""
    url = request.getfixturevalue("kafka_url") if on_server else "127.0.0.1:1"
    return KafkaBroker(url, logger=None)


@pytest.mark.confluent
async def test_commit_of_the_consumer(server: Server, topic: str, seen: Seen) -> None:
    """Commits what handlers were given, though it is not acknowledged, and nothing that waits."""
    broker = KafkaBroker(server.url, logger=None)

    @broker.subscriber(topic, group_id=topic, ack_policy=AckPolicy.MANUAL, **QUICK)
    async def handle(body: int, message: KafkaMessage) -> None:
        if body == 1:
            await message.consumer.commit(asynchronous=False)
            seen(await server.committed(topic, topic))
        if body == 2:
            await message.consumer.commit()  # the server hears of it before the consumer ends
        seen(body)

    await server.send(topic, b"0", b"1", b"2", b"3")
    async with running(broker):
        await seen.count(5)
    assert seen.items == [0, 2, 1, 2, 3]
    assert await server.committed(topic, topic) == 3


@pytest.mark.confluent
async def test_commit_of_a_consumer_with_workers(server: Server, seen: Seen) -> None:
    """What others have in hand is not committed."""
    topic = server.topic(2)
    broker = KafkaBroker(server.url, logger=None)
    policy = AckPolicy.MANUAL

    @broker.subscriber(topic, group_id=topic, ack_policy=policy, max_workers=2, **QUICK)
    async def handle(body: str, message: KafkaMessage) -> None:
        seen(body)
        await seen.count(2)
        if body == "one":
            await message.consumer.commit(asynchronous=False)
            seen([await server.committed(topic, topic, number) for number in (0, 1)])
        await seen.count(3)

    async with running(broker):
        await broker.publish("zero", topic, partition=0)
        await broker.publish("one", topic, partition=1)
        await seen.count(3)
    zero, one = seen.items[2]
    assert one == 1
    assert zero <= 0


@pytest.mark.confluent
@pytest.mark.parametrize("policy", [AckPolicy.MANUAL, AckPolicy.ACK])
async def test_seek_of_the_consumer(
    server: Server, topic: str, seen: Seen, policy: AckPolicy
) -> None:
    """Goes back once; what was taken meanwhile is dropped and comes in its order."""
    broker = KafkaBroker(server.url, logger=None)

    @broker.subscriber(topic, group_id=topic, ack_policy=policy, **QUICK)
    async def handle(body: int, message: KafkaMessage) -> None:
        seen(body)
        if seen.items == [0, 1, 2]:
            await message.consumer.seek(topic, 0, 1)
        elif policy is AckPolicy.MANUAL:
            await message.ack()

    await server.send(topic, *(str(number).encode() for number in range(5)))
    async with running(broker):
        await seen.count(7)
    assert seen.items == [0, 1, 2, 1, 2, 3, 4]
    assert await server.committed(topic, topic) == 5


@pytest.mark.confluent
async def test_the_rest_of_the_consumer(server: Server, topic: str, seen: Seen) -> None:
    """`call` and the client's own consumer; partitions of others; and after the end."""
    broker = KafkaBroker(server.url, logger=None)

    @broker.subscriber(topic, group_id=topic, **QUICK)
    async def handle(message: KafkaMessage) -> None:
        consumer = message.consumer
        found = await consumer.call(lambda client: client.assignment())
        try:
            await consumer.seek(topic, 7, 0)
        except IncorrectState as error:
            seen(([(each.topic, each.partition) for each in found], str(error)))
        seen((consumer, type(consumer.consumer).__name__))

    async with running(broker):
        await broker.publish("x", topic)
        await seen.count(2)
    assert seen.items[0][0] == [(topic, 0)]
    assert f"does not read: it has ['{topic}-0']" in seen.items[0][1]
    consumer, client = seen.items[1]
    assert client == "Consumer"
    assert consumer.consumer is None
    with pytest.raises(CommitFailed, match="has ended"):
        await consumer.commit()


async def test_the_consumer_of_the_test_broker() -> None:
    """What handlers call of the consumer is there and harms nobody."""
    broker = KafkaBroker(logger=None)
    found: list[Any] = []

    @broker.subscriber("t", group_id="g")
    async def handle(body: int, message: KafkaMessage) -> None:
        consumer = message.consumer
        place = (await consumer.call(lambda client: client.assignment()))[0]
        if body == 2:
            await consumer.commit()
            await consumer.seek("t", 0, 0)
        if body == 3:
            consumer.consumer.commit(message.raw_message, asynchronous=False)
        client = consumer.consumer
        found.append((client.committed([place])[0].offset, client.position([place])[0].offset))

    async with TestKafkaBroker(broker):
        for body in (1, 2, 3):
            await broker.publish(body, "t")
    assert found == [(-1001, 1), (2, 2), (3, 3)]


@BOTH
async def test_values_and_keys(
    on_server: bool, mode_broker: KafkaBroker, name: str, seen: Seen
) -> None:
    """None, alone and in a batch, with a key and without: the same records with either."""

    @mode_broker.subscriber(name, **QUICK)
    async def handle(message: KafkaMessage) -> None:
        raw = message.raw_message
        seen((raw.key(), raw.value(), dict(raw.headers() or ()).get("content-type")))

    async with started(mode_broker, on_server):
        await mode_broker.publish(None, name, key=b"k")
        await mode_broker.publish(None, name)
        await mode_broker.publish("x", name)
        await mode_broker.publish_batch(KafkaResponse(None, key="k"), b"x", topic=name)
        await seen.count(5)
    assert seen.items == [
        (b"k", None, b""),
        (None, None, b""),
        (None, b"x", b"text/plain"),
        (b"k", b"", None),
        (None, b"x", None),
    ]


@BOTH
async def test_key_and_partition_of_a_call(
    on_server: bool, mode_broker: KafkaBroker, name: str
) -> None:
    """Handlers are asked for key and partition of their calls, like publishers."""

    @mode_broker.subscriber(name, **QUICK)
    async def handle(body: str) -> None: ...

    wrapper: Any = handle
    async with started(mode_broker, on_server):
        await mode_broker.publish("x", name, key="kk", partition=0)
        await wrapper.wait_call(15)
        await wrapper.assert_called_once_with("x", key=b"kk", partition=0)
        with pytest.raises(AssertionError, match="key is b'kk'"):
            await wrapper.assert_called_with("x", key=b"other")


async def test_what_a_batch_publisher_sends() -> None:
    """A list in a `KafkaResponse` is one body; an empty list is nothing."""
    broker = KafkaBroker(logger=None)
    publisher = broker.publisher("out", batch=True)
    results: list[Any] = [KafkaResponse([1, 2]), [], [3, 4]]

    @publisher
    @broker.subscriber("in")
    async def handle(body: int) -> Any:
        return results[body]

    async with TestKafkaBroker(broker):
        for number in range(3):
            await broker.publish(number, "in")
        assert [call.args for call in publisher.mock.call_args_list] == [([[1, 2]],), ([3, 4],)]


def test_what_can_be_read_of_a_declaration() -> None:
    """Topics, partitions, groups, keys and headers, prefixes included."""
    broker, router = KafkaBroker(logger=None), KafkaRouter(prefix="p.")
    publisher = router.publisher("out", key="k", partition=1, headers={"h": "1"}, reply_to="r")
    by_name = router.subscriber("a", group_id="g")
    by_hand = router.subscriber(partitions=[TopicPartition("c", 2, 5), TopicPartition("c", 3)])
    broker.include_router(router)
    assert ([topic.name for topic in by_name.topics], by_name.group_id) == (["p.a"], "g")
    assert by_hand.partitions == [TopicPartition("p.c", 2, 5), TopicPartition("p.c", 3)]
    assert (publisher.topic, publisher.key, publisher.partition) == ("p.out", "k", 1)
    assert (publisher.headers, publisher.reply_to) == ({"h": "1"}, "r")
