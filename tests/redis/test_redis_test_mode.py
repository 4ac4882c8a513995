"""Test mode: no server, the same rules."""

from __future__ import annotations

from typing import Any

import pytest

from anystream.core.exceptions import FeatureNotSupportedException, NackMessage, SubscriberNotFound
from anystream.redis import (
    ListSub,
    Pipeline,
    Redis,
    RedisBroker,
    RedisClusterBroker,
    RedisMessage,
    RedisSentinelBroker,
    StreamSub,
    TestRedisBroker,
)
from anystream.redis.testing import PEL


async def test_kinds_are_apart() -> None:
    """A list and a channel of one name have nothing to do with each other."""
    broker = RedisBroker(logger=None)
    seen = []

    @broker.subscriber("x")
    async def channel(body: str) -> None:
        seen.append(("channel", body))

    @broker.subscriber(list="x")
    async def of_list(body: str) -> None:
        seen.append(("list", body))

    @broker.subscriber(stream="x")
    async def of_stream(body: str) -> None:
        seen.append(("stream", body))

    async with TestRedisBroker(broker):
        assert await broker.publish("a", "x") == 0
        assert await broker.publish("b", list="x") == 0
        await broker.publish("c", stream="x")
        assert await broker.publish("d", "nobody") == 0
        with pytest.raises(SubscriberNotFound):
            await broker.request("e", list="nobody")
    assert seen == [("channel", "a"), ("list", "b"), ("stream", "c")]


async def test_mocks_are_apart() -> None:
    """A publisher of a list does not note what goes to a channel of its name."""
    broker = RedisBroker(logger=None)
    channel, of_list = broker.publisher("x"), broker.publisher(list="x")
    async with TestRedisBroker(broker):
        await broker.publish("a", "x")
        channel.mock.assert_called_once_with("a")
        assert not of_list.mock.called


async def test_of_a_group_one() -> None:
    """Each group gets a message once; readers without a group all get it."""
    broker = RedisBroker(logger=None)
    seen = []
    for who, source in (
        ("a", StreamSub("s", group="g", consumer="a")),
        ("b", StreamSub("s", group="g", consumer="b")),
        ("h", StreamSub("s", group="h", consumer="a")),
        ("alone", StreamSub("s")),
    ):

        async def handle(body: int, who: str = who) -> None:
            seen.append((who, body))

        broker.subscriber(stream=source)(_bound(handle, who))
    async with TestRedisBroker(broker):
        for number in range(4):
            await broker.publish(number, stream="s")
    assert sorted(number for who, number in seen if who in "ab") == [0, 1, 2, 3]
    assert {who for who, _ in seen} == {"a", "b", "h", "alone"}


def _bound(handle: Any, who: str) -> Any:
    async def bound(body: int) -> None:
        await handle(body, who)

    return bound


async def test_batches() -> None:
    """One message is a batch of one; `publish_batch` reaches single subscribers, too."""
    broker = RedisBroker(logger=None)
    seen = []

    @broker.subscriber(list=ListSub("x", batch=True, max_records=2))
    async def batch(bodies: list[int]) -> None:
        seen.append(bodies)

    @broker.subscriber(list="x")
    async def single(body: int) -> None:
        seen.append(body)

    async with TestRedisBroker(broker):
        await broker.publish(1, list="x")
        await broker.publish_batch(2, 3, 4, list="x")
    assert seen == [[1], 1, [2, 3], [4], 2, 3, 4]


async def test_pending_list() -> None:
    """Who claims gets what the group's consumer has not acknowledged."""
    broker, pel = RedisBroker(logger=None), PEL()
    claimed = []

    @broker.subscriber(stream=StreamSub("s", group="g", consumer="a"))
    async def handle(body: str) -> None:
        if body == "bad":
            raise NackMessage

    @broker.subscriber(stream=StreamSub("s", group="g", consumer="b", min_idle_time=1))
    async def claim(body: str, message: RedisMessage, redis: Redis) -> None:
        claimed.append(body)
        await message.ack(redis, "g")

    async with TestRedisBroker(broker, pel=pel):
        await broker.publish("good", stream="s")
        assert pel.put.call_count == 1
        assert pel.remove.call_count == 1
        await broker.publish("bad", stream="s")
    assert claimed == ["bad"]
    assert pel.entries == set()


async def test_pipelines() -> None:
    """What is queued in a pipeline is delivered at once; there is nothing to execute."""
    broker = RedisBroker(logger=None)
    seen = []

    @broker.subscriber("in")
    async def handle(body: str, pipe: Pipeline) -> None:
        await broker.publish(body, "out", pipeline=pipe)
        assert await pipe.execute() == []

    @broker.subscriber("out")
    async def out(body: str) -> None:
        seen.append(body)

    async with TestRedisBroker(broker):
        await broker.publish("x", "in")
    assert seen == ["x"]


async def test_no_client() -> None:
    """Everything else of the client is refused, not silently done nowhere."""
    broker = RedisBroker(logger=None)
    async with TestRedisBroker(broker):
        with pytest.raises(FeatureNotSupportedException, match="no Redis in test mode"):
            await broker.connection.get("x")


@pytest.mark.parametrize(
    "broker",
    [
        RedisClusterBroker(logger=None),
        RedisSentinelBroker(sentinels=[("localhost", 1)], sentinel_master_name="m", logger=None),
    ],
    ids=["cluster", "sentinel"],
)
async def test_other_brokers(broker: Any) -> None:
    """Those on a cluster and on sentinels as well, again and again."""

    @broker.subscriber("{x}.in")
    async def handle(body: int, message: RedisMessage) -> str:
        return f"{message.path['x']} {body}"

    for _ in range(2):
        async with TestRedisBroker(broker):
            answer = await broker.request(1, "a.in")
            assert await answer.decode() == "a 1"
