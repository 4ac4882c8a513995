"""Requests, transactions, and what the server refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import aiokafka.errors
import pytest
from aiokafka import AIOKafkaConsumer

from anystream.core import AckPolicy
from anystream.core.exceptions import (
    BrokerConnectionError,
    FastStreamException,
    FeatureNotSupportedException,
    IncorrectState,
    PublishError,
    SetupError,
)
from anystream.core.security import SASLPlaintext
from anystream.kafka import KafkaBroker, KafkaRouter, TestKafkaBroker, Topic
from anystream.kafka.annotations import KafkaMessage
from anystream.kafka_common.errors import MessageTooLarge, TopicNotFound
from tests.kafka.conftest import QUICK, Topics, committed, records_of
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.kafka


async def test_a_request(kafka_url: str, topics: Topics) -> None:
    """The answer comes through the broker's own topic, which is made if it is missing; several
    brokers may share it."""
    topic, answers = topics(), topics.new_name()
    brokers = [KafkaBroker(kafka_url, logger=None, reply_topic=answers) for _ in range(2)]

    @brokers[0].subscriber(topic, **QUICK)
    async def double(body: int) -> int:
        return body * 2

    async with running(*brokers):
        asked = [
            broker.request(number, topic, timeout=10) for number in range(10) for broker in brokers
        ]
        found = [await answer.decode() for answer in await asyncio.gather(*asked)]
    assert found == [number * 2 for number in range(10) for _ in brokers]


async def test_a_request_that_nobody_answers(kafka_url: str, topics: Topics) -> None:
    """It ends after its timeout, with the topic's name; stopping ends those that wait."""
    topic = topics()
    broker = KafkaBroker(kafka_url, logger=None, reply_topic=topics())
    async with running(broker):
        with pytest.raises(TimeoutError, match=topic):
            await broker.request(1, topic, timeout=0.2)
        waiting = asyncio.ensure_future(broker.request(1, topic, timeout=60))
        transport: Any = broker.transport
        await until(lambda: transport.replying.pending._waiting)
    with pytest.raises(IncorrectState, match="stopped"):
        await waiting


async def test_requests_need_a_topic_for_answers(broker: KafkaBroker, topic: str) -> None:
    """Without one the message says which option is missing."""
    async with running(broker):
        with pytest.raises(FeatureNotSupportedException, match="reply_topic="):
            await broker.request(1, topic)


@pytest.fixture
def transactional(kafka_url: str, group: str) -> KafkaBroker:
    return KafkaBroker(kafka_url, logger=None, transactional_id=f"tx-{group}")


async def test_a_transaction_is_all_or_nothing(
    kafka_url: str, transactional: KafkaBroker, topics: Topics
) -> None:
    """What was published in one that failed is never seen by who reads committed records."""
    one, two = topics(), topics()
    async with running(transactional) as broker:
        with pytest.raises(ZeroDivisionError):
            await _failing_transaction(broker, "lost", one)
        async with broker.transaction():
            await broker.publish("kept", one)
            await broker.publish_batch("kept", "too", topic=two)
        await broker.publish("alone", one)  # in a transaction of its own
    options = {"isolation_level": "read_committed"}
    assert [r.value for r in await records_of(kafka_url, one, 2, **options)] == [b"kept", b"alone"]
    assert [r.value for r in await records_of(kafka_url, two, 2, **options)] == [b"kept", b"too"]


async def _failing_transaction(broker: KafkaBroker, body: Any, topic: str) -> None:
    async with broker.transaction():
        await broker.publish(body, topic)
        await asyncio.ensure_future(
            broker.publish(body, topic)
        )  # a task of its own, and part of it
        raise ZeroDivisionError


async def test_others_wait_for_a_transaction(
    kafka_url: str, transactional: KafkaBroker, topic: str
) -> None:
    """What another task publishes meanwhile does not slip into it; transactions do not nest."""
    begun = asyncio.Event()

    async def other() -> None:
        await begun.wait()
        await transactional.publish("second", topic)

    async with running(transactional) as broker:
        task = asyncio.ensure_future(other())
        second = broker.transaction()
        async with broker.transaction():
            begun.set()
            await asyncio.wait([task], timeout=0.1)
            assert not task.done()
            with pytest.raises(IncorrectState, match="do not nest"):
                await second.__aenter__()
            await broker.publish("first", topic)
        await task
    found = await records_of(kafka_url, topic, 2, isolation_level="read_committed")
    assert [record.value for record in found] == [b"first", b"second"]


async def test_offsets_in_a_transaction(
    kafka_url: str, transactional: KafkaBroker, topics: Topics, group: str, seen: Seen
) -> None:
    """A message and its results: both or neither, over a failure in the middle."""
    source, target = topics(), topics()

    @transactional.subscriber(source, group_id=group, ack_policy=AckPolicy.NACK_ON_ERROR, **QUICK)
    async def handle(body: int, message: KafkaMessage) -> None:
        async with transactional.transaction() as transaction:
            await transactional.publish(body * 2, target)
            await transaction.ack(message)
            seen(body)
            if len(seen.items) == 1:
                raise ValueError("again")

    async with running(transactional) as broker:
        await broker.publish(21, source)
        await seen.count(2)
        (record,) = await records_of(kafka_url, target, 1, isolation_level="read_committed")
        assert record.value == b"42"
        assert await committed(kafka_url, group, source) == 1


async def test_transactions_need_an_id(broker: KafkaBroker) -> None:
    """And a connection, and a server."""
    with pytest.raises(IncorrectState, match="not connected"):
        broker.transaction()
    async with running(broker):
        with pytest.raises(FeatureNotSupportedException, match="transactional_id="):
            async with broker.transaction():
                pass
    async with TestKafkaBroker(broker):
        with pytest.raises(FeatureNotSupportedException, match="test mode"):
            broker.transaction()


async def test_missing_topics_are_made(kafka_url: str, topics: Topics) -> None:
    """Of subscribers, publishers and publishes, with what their `Topic` says."""
    names = [topics.new_name() for _ in range(4)]
    broker = KafkaBroker(kafka_url, logger=None)
    router = KafkaRouter(prefix=names[0][:5])
    short = Topic(names[0][5:], num_partitions=3, config={"cleanup.policy": "compact"})
    router.subscriber(short)
    broker.include_router(router)
    broker.subscriber(names[1])
    broker.publisher(names[2])
    async with running(broker):
        await broker.publish("x", names[3])
        found = topics.admin.list_topics(timeout=10).topics
    assert [len(found[name].partitions) for name in names] == [3, 1, 1, 1]


async def test_missing_topics_that_may_not_be_made(kafka_url: str, topics: Topics) -> None:
    """A subscriber's stops the start; publishing says so at once, and makes none."""
    name = topics.new_name()
    broker = KafkaBroker(kafka_url, logger=None, allow_auto_create_topics=False)
    subscriber = broker.subscriber(name)
    with pytest.raises(TopicNotFound, match=name) as caught:
        await broker.start()
    assert repr(subscriber) in str(caught.value)
    await broker.stop()
    broker.remove_subscriber(subscriber)
    async with running(broker):
        with pytest.raises(aiokafka.errors.UnknownTopicOrPartitionError, match=name) as missing:
            await broker.publish("x", name)
        assert isinstance(missing.value, TopicNotFound)
        with pytest.raises(PublishError, match="no name of a topic"):
            await broker.publish("x", "a b")
    assert name not in topics.admin.list_topics(timeout=10).topics


async def test_a_topic_that_the_server_does_not_make(kafka_url: str, topics: Topics) -> None:
    """Its reason is in the error."""
    broker = KafkaBroker(kafka_url, logger=None)
    broker.subscriber(Topic(topics.new_name(), replication_factor=5))
    with pytest.raises(SetupError, match="InvalidReplicationFactor"):
        await broker.start()
    await broker.stop()


async def test_bodies_over_the_limit(kafka_url: str, topics: Topics) -> None:
    """Over the client's limit, and over that of the topic alone."""
    broker = KafkaBroker(kafka_url, logger=None, max_request_size=3_000_000)
    small = Topic(topics.new_name(), config={"max.message.bytes": "1000"})
    broker.publisher(small)
    async with running(broker):
        with pytest.raises(MessageTooLarge, match="3000000"):
            await broker.publish(b"x" * 3_000_001, small.name)
        with pytest.raises(MessageTooLarge, match=small.name):
            await broker.publish(b"x" * 2000, small.name)


async def test_a_partition_that_does_not_exist(broker: KafkaBroker, topic: str) -> None:
    """Refused with its number."""
    async with running(broker):
        with pytest.raises(PublishError, match="partition 7"):
            await broker.publish("x", topic, partition=7)


async def test_credentials_that_the_server_refuses(kafka_url: str) -> None:
    """Our own error, with the address and what to check."""
    broker = KafkaBroker(kafka_url, logger=None, security=SASLPlaintext("u", "secret"))
    with pytest.raises(BrokerConnectionError, match=r"localhost:9092.*credentials") as caught:
        await broker.start()
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, aiokafka.errors.KafkaError)


async def test_consumer_only(kafka_url: str, topics: Topics, seen: Seen) -> None:
    """No producer: it reads, cannot publish, and its ping says no."""
    topic = topics()
    broker = KafkaBroker(kafka_url, logger=None, consumer_only=True)
    other = KafkaBroker(kafka_url, logger=None)

    @broker.subscriber(topic, **QUICK)
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker, other):
        await other.publish(1, topic)
        assert await seen.one() == 1
        assert not await broker.ping(1)
        with pytest.raises(IncorrectState, match="consumer_only"):
            await broker.publish(1, topic)


def test_again_on_another_loop(kafka_url: str, topics: Topics) -> None:
    """A broker holds nothing of a loop that is over; nothing is left running."""
    topic, seen = topics(), Seen()
    broker = KafkaBroker(kafka_url, logger=None, reply_topic=topics())

    @broker.subscriber(topic, group_id=topic, max_workers=2, **QUICK)
    async def handle(body: int) -> int:
        return body

    async def once() -> None:
        await broker.start()
        answer = await broker.request(1, topic, timeout=10)
        seen(await answer.decode())
        assert await broker.ping(5)
        await broker.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    for _ in range(2):
        asyncio.run(once())
    assert seen.items == [1, 1]


async def test_reading_without_a_handler(kafka_url: str, topics: Topics, group: str) -> None:
    """An acknowledged message is committed at once; one that was given back comes again."""
    topic = topics()
    broker = KafkaBroker(kafka_url, logger=None)
    subscriber = broker.subscriber(topic, group_id=group, **QUICK)
    async with running(broker):
        for number in range(2):
            await broker.publish(number, topic)
        message: Any = await subscriber.get_one(timeout=10)
        await message.nack()
        message = await subscriber.get_one(timeout=10)
        assert await message.decode() == 0
        assert isinstance(message.consumer, AIOKafkaConsumer)
        await message.ack()
        assert await committed(kafka_url, group, topic) == 1
        async for message in subscriber:
            assert await message.decode() == 1
            break
        assert await subscriber.get_one(timeout=0.1) is None


async def test_a_server_that_is_not_there() -> None:
    """The start fails with the address; stop is quick, publishing is refused."""
    broker = KafkaBroker("127.0.0.1:1", logger=None)
    with pytest.raises(FastStreamException, match=r"127\.0\.0\.1:1"):
        await broker.start()
    with pytest.raises(IncorrectState):
        await broker.publish("x", "t")
    await asyncio.wait_for(broker.stop(), 2)
