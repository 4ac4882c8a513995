"""Records as the bare client sees them, and the bare client's records as handlers see them."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from anystream.core.exceptions import PublishError
from anystream.kafka import KafkaBroker, KafkaResponse
from anystream.kafka.annotations import KafkaMessage
from anystream.kafka.exceptions import BatchBufferOverflowException
from tests.kafka.conftest import QUICK, Topics, records_of
from tests.waiting import Seen, running

pytestmark = pytest.mark.kafka


async def test_a_record_byte_for_byte(kafka_url: str, broker: KafkaBroker, topic: str) -> None:
    """Headers in their order, key, partition and time."""
    async with running(broker):
        metadata = await broker.publish(
            {"a": 1},
            topic,
            key="k",
            partition=0,
            timestamp_ms=1234567,
            headers={"x": "1", "raw": b"\xff", "none": None},
            correlation_id="id",
            reply_to="answers",
        )
    (record,) = await records_of(kafka_url, topic, 1)
    assert (metadata.topic, metadata.partition, metadata.offset) == (topic, 0, 0)
    assert (record.key, record.value, record.timestamp) == (b"k", b'{"a":1}', 1234567)
    assert list(record.headers) == [
        ("content-type", b"application/json"),
        ("correlation_id", b"id"),
        ("reply_to", b"answers"),
        ("x", b"1"),
        ("raw", b"\xff"),
        ("none", b""),
    ]


@pytest.mark.parametrize(
    ("body", "key", "value", "content_type"),
    [
        (None, None, b"", b""),
        (None, "k", None, b""),
        (b"x", None, b"x", b""),
        ("x", None, b"x", b"text/plain"),
        (b"", "k", b"", b""),
    ],
)
async def test_bodies(
    kafka_url: str, topics: Topics, body: Any, key: str | None, value: Any, content_type: bytes
) -> None:
    """None with a key deletes it in a compacted topic; without a key it is empty."""
    broker, topic = KafkaBroker(kafka_url, logger=None), topics()
    async with running(broker):
        await broker.publish(body, topic, key=key, correlation_id="c")
    (record,) = await records_of(kafka_url, topic, 1)
    assert record.value == value
    assert list(record.headers) == [("content-type", content_type), ("correlation_id", b"c")]


async def test_own_headers_win(kafka_url: str, broker: KafkaBroker, topic: str) -> None:
    """Also over content type and correlation id, where those stand."""
    async with running(broker):
        await broker.publish("x", topic, headers={"content-type": "a/b", "correlation_id": "mine"})
    (record,) = await records_of(kafka_url, topic, 1)
    assert list(record.headers) == [("content-type", b"a/b"), ("correlation_id", b"mine")]


async def test_a_header_that_is_no_text(broker: KafkaBroker, topic: str) -> None:
    """Refused with its name."""
    async with running(broker):
        with pytest.raises(PublishError, match="'n' is 1"):
            await broker.publish("x", topic, headers={"n": 1})


async def test_a_batch(kafka_url: str, broker: KafkaBroker, topics: Topics) -> None:
    """Each body has a key, headers and a time of its own, or those of the batch; no content type
    where there is none."""
    topic = topics()
    async with running(broker):
        await broker.publish_batch(
            b"one",
            KafkaResponse({"n": 2}, key="own", headers={"y": "2"}, timestamp_ms=99),
            None,
            topic=topic,
            key="all",
            headers={"x": "1"},
            correlation_id="c",
            timestamp_ms=11,
        )
    one, two, three = await records_of(kafka_url, topic, 3)
    assert [r.value for r in (one, two, three)] == [b"one", b'{"n":2}', b""]
    assert [r.key for r in (one, two, three)] == [b"all", b"own", b"all"]
    assert [r.timestamp for r in (one, two, three)] == [11, 99, 11]
    assert list(one.headers) == [("correlation_id", b"c"), ("x", b"1")]
    assert list(two.headers) == [
        ("content-type", b"application/json"),
        ("correlation_id", b"c"),
        ("x", b"1"),
        ("y", b"2"),
    ]


async def test_keys_of_a_batch_choose_partitions(
    kafka_url: str, broker: KafkaBroker, topics: Topics
) -> None:
    """The same ones that they choose for single messages."""
    topic, keys = topics(4), [f"k{n}" for n in range(8)]
    async with running(broker):
        alone = [(await broker.publish("x", topic, key=key)).partition for key in keys]
        found = await broker.publish_batch(
            *(KafkaResponse("x", key=key) for key in keys), topic=topic
        )
        placed = await broker.publish_batch("a", "b", topic=topic, partition=3)
    assert sorted(metadata.partition for metadata in found) == sorted(set(alone))
    assert placed.partition == 3
    records = await records_of(kafka_url, topic, 16)
    assert {(r.key.decode(), r.partition) for r in records if r.key} == set(
        zip(keys, alone, strict=True)
    )


async def test_a_batch_that_is_too_large(broker: KafkaBroker, topic: str) -> None:
    """Says which message did not fit."""
    async with running(broker):
        with pytest.raises(BatchBufferOverflowException) as caught:
            await broker.publish_batch(b"x" * 100, b"y" * 20_000, topic=topic)
    assert caught.value.message_position == 1


async def test_no_confirm_returns_a_future(broker: KafkaBroker, topic: str) -> None:
    """Of what the server says."""
    async with running(broker):
        future = await broker.publish("x", topic, no_confirm=True)
        assert (await future).offset == 0
        publisher = broker.publisher(topic, autoflush=True)
        future = await publisher.publish("y", no_confirm=True)
        assert future.done()


async def test_what_publishers_add(kafka_url: str, broker: KafkaBroker, topics: Topics) -> None:
    """Key, partition (0, too), headers and reply address; the call's own win."""
    topic = topics(2)
    publisher = broker.publisher(topic, key="k", partition=0, headers={"a": "1"}, reply_to="r")
    async with running(broker):
        first = await publisher.publish("x", correlation_id="c")
        second = await publisher.publish("y", key="own", partition=1, headers={"a": "2"})
    assert (first.partition, second.partition) == (0, 1)
    found = {r.value: r for r in await records_of(kafka_url, topic, 2)}
    assert dict(found[b"x"].headers)["reply_to"] == b"r"
    assert (found[b"x"].key, dict(found[b"x"].headers)["a"]) == (b"k", b"1")
    assert (found[b"y"].key, dict(found[b"y"].headers)["a"]) == (b"own", b"2")


async def test_a_batch_publisher(kafka_url: str, broker: KafkaBroker, topics: Topics) -> None:
    """A handler's list is a batch, anything else a batch of one; `publish` takes several."""
    source, target = topics(), topics()
    publisher = broker.publisher(target, batch=True)

    @publisher
    @broker.subscriber(source, **QUICK)
    async def handle(body: int) -> Any:
        return [KafkaResponse(body, key="k"), body + 1] if body else "one"

    async with running(broker):
        await broker.publish(5, source)
        await broker.publish(0, source)
        await records_of(kafka_url, target, 3)
        await publisher.publish("a", "b")
    records = await records_of(kafka_url, target, 5)
    assert [r.value for r in records] == [b"5", b"6", b"one", b"a", b"b"]
    assert records[0].key == b"k"


async def test_foreign_records(
    producer: AIOKafkaProducer, broker: KafkaBroker, topic: str, seen: Seen
) -> None:
    """What others publish: no headers, several of one name, no value, other bytes."""

    @broker.subscriber(topic, **QUICK)
    async def handle(body: Any, message: KafkaMessage) -> None:
        seen((body, message.headers, message.message_id, message.raw_message.key))

    async with running(broker):
        await producer.send_and_wait(topic, b'{"a": 1}', timestamp_ms=77)
        await producer.send_and_wait(topic, key=b"gone", timestamp_ms=78)
        await producer.send_and_wait(
            topic, b"\xff\xfe", headers=[("h", b"1"), ("h", b"2"), ("bin", b"\xff")]
        )
        found = await seen.count(3)
    assert found[0] == ({"a": 1}, {}, "0-77", None)
    assert found[1] == (b"", {}, "1-78", b"gone")
    assert found[2][0] == b"\xff\xfe"
    assert found[2][1] == {"h": "2", "bin": "�"}


async def test_deserializers(
    kafka_url: str, producer: AIOKafkaProducer, topic: str, seen: Seen
) -> None:
    """What the client makes of keys and values arrives as it is."""
    broker = KafkaBroker(kafka_url, logger=None)

    @broker.subscriber(topic, key_deserializer=bytes.decode, value_deserializer=len, **QUICK)
    async def handle(body: int, message: KafkaMessage) -> None:
        seen((body, message.raw_message.key))

    async with running(broker):
        await producer.send_and_wait(topic, b"four", key=b"k")
        assert await seen.one() == (4, "k")


async def test_serializers(kafka_url: str, topic: str) -> None:
    """Make bytes of keys and of encoded bodies."""
    broker = KafkaBroker(
        kafka_url,
        logger=None,
        key_serializer=lambda key: b"key:" + str(key).encode(),
        value_serializer=lambda value: b"<" + value + b">",
    )
    async with running(broker):
        await broker.publish("x", topic, key=7)
    (record,) = await records_of(kafka_url, topic, 1)
    assert (record.key, record.value) == (b"key:7", b"<x>")


async def test_batches_are_read_as_lists(
    producer: AIOKafkaProducer, broker: KafkaBroker, topic: str, seen: Seen
) -> None:
    """Of at most `max_records`, each body decoded by its own headers."""

    @broker.subscriber(topic, batch=True, max_records=2, batch_timeout_ms=100, **QUICK)
    async def handle(bodies: list[Any], message: KafkaMessage) -> None:
        seen((bodies, message.message_id, type(message.raw_message), len(message.batch_headers)))

    for number, kind in enumerate([b"application/json", b"text/plain", b"application/json"]):
        await producer.send_and_wait(
            topic, str(number).encode(), headers=[("content-type", kind)], timestamp_ms=5
        )
    async with running(broker):
        assert await seen.count(2) == [([0, "1"], "0-1-5", tuple, 2), ([2], "2-2-5", tuple, 1)]
