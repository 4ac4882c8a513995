"""Batches: their messages, and their commands in middlewares. At the server and in memory."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from anystream.core import BaseMiddleware, BatchPublishCommand
from anystream.redis import (
    ListSub,
    RedisBatchListMessage,
    RedisBatchStreamMessage,
    RedisBroker,
    RedisMessage,
    RedisPublishCommand,
    RedisResponse,
    StreamSub,
    TestRedisBroker,
)
from anystream.redis import message as redis_message
from tests.redis.conftest import broker_at
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.redis


def place(broker: RedisBroker, real: bool) -> AbstractAsyncContextManager[Any]:
    """A broker that runs at the server or in memory."""
    return running(broker) if real else TestRedisBroker(broker)


both = pytest.mark.parametrize("real", [True, False], ids=["server", "memory"])


@both
@pytest.mark.parametrize("own", [False, True], ids=["default", "decoder"])
async def test_the_body_is_a_json_array(
    redis_url: str, name: str, seen: Seen, real: bool, own: bool
) -> None:
    """What is JSON is JSON in it, what is not is a text; without a decoder, item by item."""
    broker = broker_at(redis_url)
    decoder = (lambda msg: json.loads(msg.body)) if own else None

    @broker.subscriber(list=ListSub(name, batch=True), decoder=decoder)
    async def handle(bodies: Any, message: RedisBatchListMessage) -> None:
        seen((bodies, message.body, message.content_type, message.headers["x"]))

    async with place(broker, real):
        options = {"list": name, "headers": {"x": "1"}}
        await broker.publish_batch("1", "true", "a", b"raw", b"\xff", **options)
        bodies, body, content_type, header = await seen.one()
    array = [1, True, "a", "raw", "\ufffd"]
    assert bodies == (array if own else ["1", "true", "a", b"raw", b"\xff"])
    assert (json.loads(body), content_type, header) == (array, "application/json", "1")


@both
async def test_a_batch_of_a_stream(redis_url: str, name: str, seen: Seen, real: bool) -> None:
    """Its body is a JSON array as well, and its ids and headers are those of the first."""
    broker = broker_at(redis_url)

    @broker.subscriber(stream=StreamSub(name, batch=True), decoder=lambda msg: json.loads(msg.body))
    async def handle(bodies: Any, message: RedisBatchStreamMessage) -> None:
        seen((bodies, message.correlation_id, message.headers["content-type"]))

    async with place(broker, real):
        await broker.publish({"k": "v"}, stream=name, correlation_id="c")
        assert await seen.one() == ([{"k": "v"}], "c", "application/json")


async def test_a_body_that_was_replaced(name: str) -> None:
    """A parser that gives a batch another body is believed."""
    broker, seen = RedisBroker(logger=None), Seen()

    async def parser(raw: Any, original: Any) -> Any:
        message = await original(raw)
        message.body = b"[7]"
        return message

    @broker.subscriber(list=ListSub(name, batch=True), parser=parser)
    async def handle(bodies: Any) -> None:
        seen(bodies)

    async with TestRedisBroker(broker):
        await broker.publish("1", list=name)
    assert seen.items == [[7]]


async def test_no_array_is_written_for_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler without a decoder does not pay for the body."""
    from anystream.redis import batch_body

    broker, seen = RedisBroker(logger=None), Seen()
    monkeypatch.delattr(batch_body, "json_array")

    @broker.subscriber(list=ListSub(name, batch=True))
    async def handle(bodies: Any) -> None:
        seen(bodies)

    async with TestRedisBroker(broker):
        await broker.publish(1, list=name)
    assert seen.items == [[1]]


class Doubles(BaseMiddleware):
    """Doubles what is published, and keeps what it saw."""

    commands: list[tuple[Any, ...]]

    async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
        assert isinstance(cmd, RedisPublishCommand)
        self.commands.append((cmd.body, cmd.batch_bodies, cmd.destination_type))
        cmd.batch_bodies = tuple(body * 2 for body in cmd.batch_bodies)
        return await call_next(cmd)


@both
async def test_a_middleware_of_batches(redis_url: str, name: str, seen: Seen, real: bool) -> None:
    """It may change single bodies and batches alike."""
    commands: list[tuple[Any, ...]] = []
    made = type("Made", (Doubles,), {"commands": commands})
    broker = broker_at(redis_url, middlewares=[made])
    publisher = broker.publisher(list=ListSub(name, batch=True))

    @broker.subscriber(list=name)
    async def handle(body: str) -> None:
        seen(body)

    async with place(broker, real):
        await broker.publish("a", list=name)
        await broker.publish_batch("b", "c", list=name)
        await publisher.publish("d", "e")
        assert await seen.count(5) == ["aa", "bb", "cc", "dd", "ee"]
    assert commands == [
        ("a", ("a",), "list"),
        ("b", ("b", "c"), "list"),
        ("d", ("d", "e"), "list"),
    ]


def test_the_command() -> None:
    """One class for both; a batch may have None as its first body, a single message has none."""
    assert issubclass(RedisPublishCommand, BatchPublishCommand)
    assert RedisPublishCommand(None).batch_bodies == ()
    assert RedisPublishCommand("a", "b").batch_bodies == ("a", "b")
    batch = RedisPublishCommand.batch([None, "b"])
    assert (batch.body, batch.batch_bodies) == (None, (None, "b"))
    batch.batch_bodies = ()
    assert batch.batch_bodies == ()
    batch.body = "x"
    assert batch.batch_bodies == ("x",)
    assert RedisPublishCommand("a").destination_type == "channel"
    batch.destination_type = "stream"
    assert batch.kind == "stream"


@pytest.mark.parametrize(("own", "expected"), [(None, 4), (7, 7)])
async def test_the_maxlen_of_a_response(
    redis_url: str, name: str, seen: Seen, own: int | None, expected: int
) -> None:
    """The command has it; a publisher's own replaces it."""
    assert RedisResponse("x", maxlen=4).as_publish_command().maxlen == 4

    class Looks(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            if cmd.destination_type == "stream":
                seen(cmd.maxlen)
            return await call_next(cmd)

    broker = broker_at(redis_url, middlewares=[Looks])

    @broker.publisher(stream=StreamSub(name, maxlen=own))
    @broker.subscriber(f"{name}-in")
    async def handle(body: Any) -> RedisResponse:
        return RedisResponse(body, maxlen=4)

    async with running(broker):
        await broker.publish("x", f"{name}-in")
        assert await seen.one() == expected


@pytest.mark.parametrize("old", [False, True], ids=["BLMPOP", "LPOP"])
async def test_one_of_a_list(
    redis_url: str, client: Any, name: str, old: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`get_one` of a batch subscriber gives a batch of one, also before Redis 7."""
    from anystream.redis.list_feed import ListFeed

    made = ListFeed.__init__

    def init(self: Any, *args: Any) -> None:
        made(self, *args)
        self._old_server = old

    monkeypatch.setattr(ListFeed, "__init__", init)
    broker = broker_at(redis_url)
    reader = broker.subscriber(list=ListSub(name, batch=True))
    async with running(broker):
        await broker.publish_batch("a", 2, list=name)
        message: Any = await reader.get_one(timeout=5.0)
        assert type(message) is redis_message.RedisBatchListMessage
        assert (message.raw_message["type"], message.body) == ("blist", b'["a"]')
        assert await message.decode() == ["a"]
        assert await client.llen(name) == 1
        assert [await item.decode() async for item in _first(reader)] == [[2]]


async def _first(reader: Any) -> Any:
    async for message in reader:
        yield message
        break


@pytest.mark.parametrize("group", [{}, {"group": "g", "consumer": "c"}], ids=["alone", "group"])
async def test_one_of_a_stream(redis_url: str, client: Any, name: str, group: Any) -> None:
    """`get_one` of a batch subscriber gives a batch of one, which can be acknowledged."""
    broker = broker_at(redis_url)
    start = {"group_start": "0"} if group else {"last_id": "0"}
    reader = broker.subscriber(stream=StreamSub(name, batch=True, **start, **group))
    async with running(broker):
        await broker.publish("a", stream=name)
        await broker.publish("b", stream=name)
        for text in ("a", "b"):
            message: Any = await reader.get_one(timeout=5.0)
            assert type(message) is redis_message.RedisBatchStreamMessage
            assert (message.body, await message.decode()) == (json.dumps([text]).encode(), [text])
            assert len(message.raw_message["message_ids"]) == 1
            await message.ack()
        if group:
            await until(lambda: _nothing_pending(client, name))


async def _nothing_pending(client: Any, name: str) -> bool:
    return bool((await client.xpending(name, "g"))["pending"] == 0)


@both
async def test_ids(redis_url: str, name: str, seen: Seen, real: bool) -> None:
    """Messages of one conversation have ids of their own; a `message_id` header is the id."""
    broker = broker_at(redis_url)

    @broker.subscriber(f"{name}-in")
    async def read(body: str, message: RedisMessage) -> None:
        seen((message.correlation_id, message.message_id, message.message_id))

    async with place(broker, real):
        channel = f"{name}-in"
        await broker.publish("x", channel, correlation_id="c")
        await broker.publish("x", channel, correlation_id="c")
        await broker.publish("x", channel, correlation_id="c", headers={"message_id": "m"})
        first, second, named = await seen.count(3)
    assert first[0] == second[0] == "c"
    assert first[1] == first[2]
    assert len({"c", first[1], second[1]}) == 3
    assert named == ("c", "m", "m")
