"""`TestKafkaBroker`: who gets what, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from anystream.core import AckPolicy
from anystream.core.exceptions import SetupError, SubscriberNotFound
from anystream.kafka import KafkaBroker, KafkaResponse, TestKafkaBroker
from anystream.kafka.annotations import Consumer, KafkaMessage


@pytest.fixture
def broker() -> KafkaBroker:
    return KafkaBroker(logger=None)


def listening(
    broker: KafkaBroker, seen: list[Any], name: Any, *topics: Any, **options: Any
) -> None:
    """A subscriber that notes its name with each body."""

    @broker.subscriber(*topics, **options)
    async def handle(body: Any) -> None:
        seen.append((name, body))


async def test_one_of_each_group_and_all_without_one(broker: KafkaBroker) -> None:
    """As the server does it, members of a group taking turns."""
    seen: list[Any] = []
    for name, group in (("a1", "a"), ("a2", "a"), ("b", "b"), ("x", None), ("y", None)):
        listening(broker, seen, name, "t", group_id=group)
    async with TestKafkaBroker(broker):
        await broker.publish(1, "t")
        await broker.publish(2, "t")
    for number in (1, 2):
        names = sorted(name for name, body in seen if body == number)
        assert names[1:] == ["b", "x", "y"]
    assert sorted(name for name, _ in seen if name[0] == "a") == ["a1", "a2"]


async def test_partitions(broker: KafkaBroker) -> None:
    """Explicit partitions get what goes there, and what goes anywhere."""
    seen: list[Any] = []
    for number in (0, 1):
        listening(broker, seen, number, partitions=[TopicPartition("t", number)])
    listening(broker, seen, "all", "t")
    async with TestKafkaBroker(broker):
        await broker.publish("x", "t", partition=1)
        await broker.publish("y", "t")
    assert sorted(str(name) + body for name, body in seen) == ["0y", "1x", "1y", "allx", "ally"]


async def test_patterns(broker: KafkaBroker) -> None:
    """From the beginning of the topic on, with captured parts."""
    seen: list[Any] = []

    @broker.subscriber(pattern=r"logs\.{level}")
    async def handle(body: Any, message: KafkaMessage) -> None:
        seen.append((body, message.path))

    async with TestKafkaBroker(broker):
        await broker.publish(1, "logs.info")
        await broker.publish(2, "my.logs.info")
    assert seen == [(1, {"level": "info"})]


async def test_batches(broker: KafkaBroker) -> None:
    """One list for batch subscribers, single messages for others, a list of one the other way."""
    seen: list[Any] = []
    listening(broker, seen, "list", "t", batch=True)
    listening(broker, seen, "single", "t")
    async with TestKafkaBroker(broker):
        await broker.publish_batch(1, KafkaResponse(2, key="k"), topic="t")
        await broker.publish(3, "t")
    assert sorted(map(str, seen)) == sorted(
        map(str, [("list", [1, 2]), ("single", 1), ("single", 2), ("list", [3]), ("single", 3)])
    )


async def test_the_record(broker: KafkaBroker) -> None:
    """Looks as the client's own."""
    seen: list[Any] = []

    @broker.subscriber("t", group_id="g", ack_policy=AckPolicy.ACK_FIRST)
    async def handle(message: KafkaMessage, consumer: Consumer) -> None:
        raw = message.raw_message
        seen.append((raw.topic, raw.partition, raw.offset, raw.key, raw.value, raw.timestamp))
        seen.append((message.message_id, message.headers["h"], message.committed))
        assert consumer is message.consumer

    async with TestKafkaBroker(broker):
        await broker.publish("x", "t", key="k", partition=2, timestamp_ms=5, headers={"h": "1"})
        await broker.publish(None, "t", key="k", timestamp_ms=6, headers={"h": None})
    assert seen[0] == ("t", 2, 0, b"k", b"x", 5)
    assert seen[1] == ("0-5", "1", "ACKED")
    assert seen[2][4] is None


async def test_mocks_of_publishers_and_handlers(broker: KafkaBroker) -> None:
    """Handlers' results are seen by the publisher's mock."""

    @broker.publisher("out", key="k")
    @broker.subscriber("in")
    async def handle(body: int) -> int:
        return body + 1

    async with TestKafkaBroker(broker):
        await broker.publish(1, "in")
        handle.mock.assert_called_once_with(1)  # type: ignore[attr-defined]
        broker.publishers[0].mock.assert_called_once_with(2)


async def test_requests(broker: KafkaBroker) -> None:
    """Work without a topic for answers."""

    @broker.subscriber("t")
    async def handle(body: int) -> int:
        return body + 1

    async with TestKafkaBroker(broker):
        answer = await broker.request(1, "t")
        assert await answer.decode() == 2
        with pytest.raises(SubscriberNotFound):
            await broker.request(1, "nobody")


async def test_a_topic_that_is_none(broker: KafkaBroker) -> None:
    """Refused as at the server; one that nobody reads is not."""
    async with TestKafkaBroker(broker):
        assert await broker.publish(1, "nobody") is None
        with pytest.raises(SetupError, match="no name of a topic"):
            await broker.publish(1, "a b")


async def test_middlewares_that_change_a_batch(broker: KafkaBroker) -> None:
    """Keys follow their bodies."""
    from anystream.core import BaseMiddleware

    keys: list[Any] = []

    class Reversing(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            cmd.batch_bodies = tuple(reversed(cmd.batch_bodies))
            return await call_next(cmd)

    broker.add_middleware(Reversing)

    @broker.subscriber("t")
    async def handle(body: str, message: KafkaMessage) -> None:
        keys.append((body, message.raw_message.key))

    async with TestKafkaBroker(broker):
        await broker.publish_batch(
            KafkaResponse("a", key="1"), KafkaResponse("b", key="2"), "c", topic="t", key="0"
        )
    assert keys == [("c", b"0"), ("b", b"2"), ("a", b"1")]
