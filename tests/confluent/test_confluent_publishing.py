"""Publishing: records byte for byte, confirmations, errors, transactions, topics, outages."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from anystream.confluent import KafkaBroker, KafkaResponse, Topic
from anystream.confluent.annotations import KafkaMessage
from anystream.confluent.errors import (
    DeliveryFailed,
    DeliveryTimeout,
    MessageTooLarge,
    TopicNotFound,
)
from anystream.core import AckPolicy
from anystream.core.exceptions import (
    BrokerConnectionError,
    FeatureNotSupportedException,
    IncorrectState,
)
from anystream.core.security import SASLPlaintext
from tests.confluent.conftest import QUICK, Server
from tests.waiting import Seen, running

on_server = pytest.mark.confluent


@on_server
async def test_records_byte_for_byte(server: Server, topic: str) -> None:
    """What each kind of body looks like at the server."""
    async with KafkaBroker(server.url) as broker:
        await broker.publish({"a": 1}, topic, correlation_id="c", headers={"x": "y"}, key="k")
        await broker.publish("text", topic, correlation_id="c", reply_to="there", key=b"k")
        await broker.publish(b"raw", topic, correlation_id="c", timestamp_ms=1234567890123)
        await broker.publish(None, topic, correlation_id="c")
        await broker.publish_batch(b"one", KafkaResponse("two", key="own"), topic=topic, key="all")
    found = await server.records(topic, 6)
    assert [(raw.value(), raw.key()) for raw in found] == [
        (b'{"a":1}', b"k"),
        (b"text", b"k"),
        (b"raw", None),
        (None, None),
        (b"one", b"all"),
        (b"two", b"own"),
    ]
    assert [dict(raw.headers()) for raw in found[:4]] == [
        {"content-type": b"application/json", "correlation_id": b"c", "x": b"y"},
        {"content-type": b"text/plain", "correlation_id": b"c", "reply_to": b"there"},
        {"content-type": b"", "correlation_id": b"c"},
        {"content-type": b"", "correlation_id": b"c"},
    ]
    assert "content-type" not in dict(found[4].headers())
    assert dict(found[5].headers())["content-type"] == b"text/plain"
    assert found[2].timestamp()[1] == 1234567890123


@on_server
async def test_foreign_records(server: Server, topic: str, seen: Seen) -> None:
    """No headers, headers without a value, no value at all."""
    broker = KafkaBroker(server.url)

    @broker.subscriber(topic, group_id=topic, **QUICK)
    async def handle(body: bytes, message: KafkaMessage) -> None:
        seen((body, message.headers, message.content_type, message.reply_to))

    await server.send(topic, b"plain")
    await server.send(topic, None, headers=[("empty", None), ("x", b"y")])
    async with running(broker):
        found = await seen.count(2)
    assert found == [(b"plain", {}, None, ""), (b"", {"x": "y"}, None, "")]


@on_server
async def test_publish_returns_the_record(server: Server, topic: str) -> None:
    """With confirmation the client's message, without one a future of it; a batch nothing."""
    async with KafkaBroker(server.url) as broker:
        first = await broker.publish("a", topic)
        assert (first.topic(), first.offset()) == (topic, 0)
        later = await broker.publish("b", topic, no_confirm=True)
        assert isinstance(later, asyncio.Future)
        assert (await later).offset() == 1
        assert await broker.publish_batch("c", "d", topic=topic) is None
        publisher = broker.publisher(topic, autoflush=True, key="k", headers={"h": "1"})
        future = await publisher.publish("e", no_confirm=True)
        assert future.done()
        assert (await future).key() == b"k"


@on_server
async def test_a_body_over_the_limit(server: Server, topic: str) -> None:
    """Our own error, with the size and what to raise; the client's type catches it, too."""
    async with KafkaBroker(server.url, max_request_size=2000) as broker:
        with pytest.raises(MessageTooLarge, match="4000 bytes"):
            await broker.publish(b"x" * 4000, topic)
        with pytest.raises(KafkaException):
            await broker.publish(b"x" * 4000, topic)


@on_server
async def test_a_partition_that_does_not_exist(server: Server, topic: str) -> None:
    """Our own error names the topic."""
    async with KafkaBroker(server.url) as broker:
        with pytest.raises(TopicNotFound, match=topic.replace(".", r"\.")):
            await broker.publish("a", topic, partition=7)


@on_server
async def test_the_answer_to_a_request(server: Server, topic: str) -> None:
    """Requests need a reply topic, which is made; answers of others are left alone."""
    answers = f"{topic}.answers"
    broker = KafkaBroker(server.url, reply_topic=answers)
    other = KafkaBroker(server.url, reply_topic=answers)

    @broker.subscriber(topic, group_id=topic, **QUICK)
    async def double(number: int) -> int:
        return number * 2

    try:
        async with running(broker), running(other):
            found = await asyncio.gather(
                *(each.request(n, topic, timeout=10) for n in range(5) for each in (broker, other))
            )
            assert [await message.decode() for message in found] == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]
    finally:
        admin = AdminClient({"bootstrap.servers": server.url})
        admin.delete_topics([answers])[answers].result()


@on_server
async def test_no_request_without_a_reply_topic(server: Server, topic: str) -> None:
    """The error says what to give the broker."""
    async with KafkaBroker(server.url) as broker:
        with pytest.raises(FeatureNotSupportedException, match="reply_topic"):
            await broker.request(1, topic)


@on_server
async def test_transactions(server: Server, topic: str, seen: Seen) -> None:
    """What was published inside is seen together, or never."""
    reader = KafkaBroker(server.url)
    broker = KafkaBroker(server.url, transactional_id=f"test-{uuid4().hex}")

    @reader.subscriber(topic, group_id=topic, isolation_level="read_committed", **QUICK)
    async def handle(body: str) -> None:
        seen(body)

    async with running(reader), running(broker):
        try:
            async with broker.transaction():
                await broker.publish("never", topic)
                raise RuntimeError
        except RuntimeError:
            pass
        async with broker.transaction():
            await broker.publish("a", topic)
            await broker.publish("b", topic)
        await broker.publish("outside", topic)  # a transaction of its own
        assert await seen.count(3) == ["a", "b", "outside"]


@on_server
async def test_offsets_in_a_transaction(server: Server, topic: str, seen: Seen) -> None:
    """The offset of an incoming message is committed with what was published for it, or not."""
    target = server.topic()
    broker = KafkaBroker(server.url, transactional_id=f"test-{uuid4().hex}")

    @broker.subscriber(topic, group_id=topic, ack_policy=AckPolicy.NACK_ON_ERROR, **QUICK)
    async def handle(body: str, message: KafkaMessage) -> None:
        seen(body)
        async with broker.transaction() as transaction:
            await broker.publish(body, target)
            await transaction.ack(message)
            if len(seen.items) == 1:
                raise RuntimeError
            with pytest.raises(IncorrectState, match="not be settled"):
                await transaction.ack(message)

    await server.send(topic, b"a")
    async with running(broker):
        assert await seen.count(2) == ["a", "a"]
    assert await server.committed(topic, topic) == 1


@on_server
async def test_a_transaction_needs_a_name(server: Server) -> None:
    """And a connection; they do not nest."""
    broker = KafkaBroker(server.url)
    with pytest.raises(IncorrectState, match="connect"):
        broker.transaction()
    async with broker:
        with pytest.raises(FeatureNotSupportedException, match="transactional_id"):
            await broker.transaction().__aenter__()
    name = f"test-{uuid4().hex}"
    async with KafkaBroker(server.url, transactional_id=name) as named, named.transaction():
        with pytest.raises(IncorrectState, match="nest"):
            await named.transaction().__aenter__()


@on_server
async def test_topics_are_made_as_declared(server: Server, seen: Seen) -> None:
    """A missing topic is made with what its `Topic` says, or with one partition."""
    plain, special = f"test-{uuid4().hex}", f"test-{uuid4().hex}"
    broker = KafkaBroker(server.url)

    @broker.subscriber(plain, Topic(special, num_partitions=3), group_id=plain, **QUICK)
    async def handle(body: str) -> None:
        seen(body)

    admin = AdminClient({"bootstrap.servers": server.url})
    try:
        async with running(broker):
            known = admin.list_topics(timeout=5).topics
            assert (len(known[plain].partitions), len(known[special].partitions)) == (1, 3)
    finally:
        for future in admin.delete_topics([plain, special]).values():
            future.result()


@on_server
async def test_a_missing_topic_that_may_not_be_made(server: Server) -> None:
    """The start fails and says which topic, who reads it and what to do."""
    name = f"test-{uuid4().hex}"
    broker = KafkaBroker(server.url, allow_auto_create_topics=False)

    @broker.subscriber(name, group_id=name)
    async def handle(body: str) -> None: ...

    with pytest.raises(TopicNotFound, match=f"{name}.*allow_auto_create_topics"):
        await broker.start()
    assert not broker.connected


@on_server
async def test_ping(server: Server) -> None:
    """False before, True while connected, False afterwards."""
    broker = KafkaBroker(server.url)
    assert not await broker.ping(1)
    async with running(broker):
        assert await broker.ping(5)
        assert broker.connection is not None
    assert not await broker.ping(1)


def nobody_there() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


async def test_no_server(caplog: pytest.LogCaptureFixture) -> None:
    """Connecting fails soon and names the address; the reports of librdkafka are counted and
    written, not with each attempt."""
    address = nobody_there()
    logger = logging.getLogger("test-confluent")
    broker = KafkaBroker(address, logger=logger)
    began = time.monotonic()
    caplog.set_level(logging.INFO, "test-confluent")
    with pytest.raises(BrokerConnectionError, match=address):
        await broker.start()
    assert time.monotonic() - began < 8
    assert broker.client_errors["_TRANSPORT"] >= 1
    assert broker.client_errors["_ALL_BROKERS_DOWN"] >= 1
    assert 1 <= len([r for r in caplog.records if "_ALL_BROKERS_DOWN" in r.getMessage()]) < 5
    await broker.stop()


async def test_stop_ends_a_connect_that_hangs() -> None:
    """A server that accepts and says nothing: `stop()` does not wait for it."""

    async def silent(reader: Any, writer: Any) -> None:
        await reader.read()
        writer.close()
        gone.set()

    gone = asyncio.Event()
    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    broker = KafkaBroker(f"127.0.0.1:{port}", logger=None)
    starting = asyncio.ensure_future(broker.start())
    await asyncio.sleep(0.2)
    began = time.monotonic()
    await broker.stop()
    with pytest.raises(IncorrectState, match="stopped while it connected"):
        await starting
    assert time.monotonic() - began < 2
    listener.close()
    await asyncio.wait_for(gone.wait(), 5)


@on_server
async def test_wrong_credentials(server: Server) -> None:
    """A server that does not speak SASL, or refuses it: our error, within the time for it."""
    broker = KafkaBroker(server.url, security=SASLPlaintext("me", "wrong"), logger=None)
    with pytest.raises(BrokerConnectionError, match="credentials"):
        await broker.start()


@on_server
async def test_more_than_the_buffer_holds(server: Server, topic: str) -> None:
    """A publish waits for room in the client's buffer; nothing is lost."""
    config = {"queue.buffering.max.messages": 10, "linger.ms": 20}
    async with KafkaBroker(server.url, config=config) as broker:
        futures = [await broker.publish(b"x", topic, no_confirm=True) for _ in range(100)]
        assert sorted([(await future).offset() for future in futures]) == list(range(100))


async def test_confirmations_that_do_not_come(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes away: a publish fails in time, as our error and as a `TimeoutError`; what
    was never confirmed is written at the stop, which does not take long."""
    monkeypatch.setattr("anystream.confluent.broker.PUBLISH_SECONDS", 0.5)
    from confluent_kafka import Producer

    mock: Any = Producer({"test.mock.num.brokers": 1})
    address = next(iter(mock.list_topics(timeout=5).brokers.values()))
    logger = logging.getLogger("test-confluent")
    caplog.set_level(logging.INFO, "test-confluent")
    broker = KafkaBroker(f"{address.host}:{address.port}", logger=logger)
    await broker.connect()
    await broker.publish("taken", "topic")
    del mock
    with pytest.raises(DeliveryTimeout, match="topic"):
        await broker.publish("late", "topic")
    with pytest.raises(TimeoutError):
        await broker.publish("late", "topic")
    later = await broker.publish("lost", "topic", no_confirm=True)
    began = time.monotonic()
    await broker.stop()
    assert time.monotonic() - began < 6
    with pytest.raises(DeliveryFailed, match="stopped before"):
        await later
    assert "3 message(s) are lost" in caplog.text
    assert broker.client_errors["not delivered"] == 1
