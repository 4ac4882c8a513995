"""Lists, channels, requests and pipelines, on the real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anystream.core.exceptions import IncorrectState, PublishError, SetupError
from anystream.redis import (
    ListSub,
    Pipeline,
    PubSub,
    Redis,
    RedisChannelMessage,
    RedisRouter,
)
from anystream.redis.exceptions import CommandRefused, NobodyListens, RequestTimeout
from tests.redis.conftest import broker_at
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.redis


async def test_one_element_at_a_time(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """While a handler works, the next element waits in the list, where others can take it."""
    broker = broker_at(redis_url)
    go_on = asyncio.Event()

    @broker.subscriber(list=name)
    async def handle(body: int) -> None:
        seen(body)
        await go_on.wait()

    async with running(broker):
        await broker.publish_batch(1, 2, 3, list=name)
        await seen.count(1)
        assert await client.llen(name) == 2
        go_on.set()
        assert await seen.count(3) == [1, 2, 3]


async def test_prefetch(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """Takes some at once; a stop puts back what no handler began with, in order."""
    broker = broker_at(redis_url, graceful_timeout=0.2)
    never = asyncio.Event()

    @broker.subscriber(list=ListSub(name, prefetch=4))
    async def handle(body: int) -> None:
        seen(body)
        await never.wait()

    async with running(broker):
        await broker.publish_batch(*range(6), list=name)
        await seen.count(1)
        await until(lambda: _is(client.llen(name), 2))
    left = await client.lrange(name, 0, -1)
    assert [item[-1:] for item in left] == [b"1", b"2", b"3", b"4", b"5"]


async def test_workers_at_the_stop(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """What waits for a worker is put back as well."""
    broker = broker_at(redis_url, graceful_timeout=0.2)
    never = asyncio.Event()

    @broker.subscriber(list=name, max_workers=3)
    async def handle(body: int) -> None:
        seen(body)
        await never.wait()

    async with running(broker):
        await broker.publish_batch(*range(12), list=name)
        await seen.count(3)
        await until(lambda: _is(client.llen(name), 12 - 3 - 4))
    left = await client.lrange(name, 0, -1)
    assert len(left) == 9
    assert [item[-1:] for item in left[:7]] == [b"3", b"4", b"5", b"6", b"7", b"8", b"9"]


async def _is(work: Any, wanted: Any) -> bool:
    return bool(await work == wanted)


async def test_nothing_is_lost_at_the_stop(
    redis_url: str, client: Any, name: str, seen: Seen
) -> None:
    """A stop without patience, in the middle of a read: what the read brings is put back."""
    for _ in range(5):
        broker = broker_at(redis_url, graceful_timeout=None)

        @broker.subscriber(list=ListSub(name, polling_interval=0.5))
        async def handle(body: int) -> None:
            seen(body)

        await broker.start()
        pushing = asyncio.ensure_future(client.rpush(name, b"1"))
        await broker.stop()
        await pushing
    assert len(seen.items) + await client.llen(name) == 5


async def test_batch(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """Up to `max_records` in one call."""
    await client.rpush(name, *(str(number) for number in range(5)))
    broker = broker_at(redis_url)

    @broker.subscriber(list=ListSub(name, batch=True, max_records=3))
    async def handle(bodies: list[int]) -> None:
        seen(bodies)

    async with running(broker):
        assert await seen.count(2) == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize("options", [{"batch": True}, {"prefetch": 5}])
async def test_older_servers(
    redis_url: str, client: Any, name: str, seen: Seen, options: Any
) -> None:
    """Before Redis 7 there is no BLMPOP: the list is asked now and then."""
    from anystream.redis.list_feed import ListFeed

    broker = broker_at(redis_url)

    @broker.subscriber(list=ListSub(name, polling_interval=0.05, **options))
    async def handle(body: Any) -> None:
        seen(body)

    original = ListFeed._connect

    async def connect(self: ListFeed) -> None:
        await original(self)
        assert self._line is not None
        self._ask = self._line.pack("BLMPOPX", 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ListFeed, "_connect", connect)
        async with running(broker):
            await broker.publish_batch(1, 2, list=name)
            await seen.count(1)
            await until(lambda: seen.items in ([[1, 2]], [1, 2]))


async def test_batch_publisher(redis_url: str, client: Any, name: str) -> None:
    """A handler's list goes out as a batch, anything else as a batch of one."""
    broker = broker_at(redis_url)
    publisher = broker.publisher(list=ListSub(name, batch=True), headers={"x": "1"})

    @publisher
    @broker.subscriber(f"{name}-in")
    async def split(body: Any) -> Any:
        return body

    async with running(broker):
        await broker.publish([1, 2, 3], f"{name}-in")
        await until(lambda: _is(client.llen(name), 3))
        await broker.publish("one", f"{name}-in")
        await until(lambda: _is(client.llen(name), 4))
        assert await publisher.publish("a", "b") == 6
        assert b"\x00\x01x\x00\x011" in await client.lindex(name, 0)
        assert await broker.publish_batch(list=name) == 0


async def test_pipelines(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """Commands wait in the pipeline until the handler executes it."""
    broker = broker_at(redis_url)

    @broker.subscriber(f"{name}-in")
    async def handle(body: str, pipe: Pipeline, redis: Redis) -> None:
        await broker.publish(body, list=name, pipeline=pipe)
        await broker.publish_batch("b", "c", list=name, pipeline=pipe)
        before = await redis.llen(name)
        seen((before, await pipe.execute()))

    async with running(broker):
        await broker.publish("a", f"{name}-in")
        assert await seen.count(1) == [(0, [1, 3])]
        assert await client.llen(name) == 3


async def test_channels_and_patterns(redis_url: str, name: str, seen: Seen) -> None:
    """A channel, a pattern with names, a glob; the prefix of a router stands before."""
    broker = broker_at(redis_url)
    router = RedisRouter(prefix=f"{name}.")

    @router.subscriber("{kind}.{number}")
    async def named(body: str, message: RedisChannelMessage) -> None:
        raw = message.raw_message
        seen((message.path, raw["type"], raw["channel"], raw["pattern"]))

    @router.subscriber(PubSub("[xy]?", pattern=True))
    async def glob(body: str, message: RedisChannelMessage) -> None:
        seen((message.path, message.raw_message["channel"]))

    broker.include_router(router)
    async with running(broker):
        assert await broker.publish("hi", f"{name}.order.7") == 1
        assert await broker.publish("hi", f"{name}.x1") == 1
        assert await broker.publish("hi", f"{name}.z1") == 0
        path = {"kind": "order", "number": "7"}
        assert await seen.count(2) == [
            (path, "pmessage", f"{name}.order.7", f"{name}.*.*".encode()),
            ({}, f"{name}.x1"),
        ]


async def test_pause_loses_nothing_that_came_before(redis_url: str, name: str, seen: Seen) -> None:
    """What Redis had sent is handled before `pause` returns; then nothing, until `resume`."""
    broker = broker_at(redis_url)

    @broker.subscriber(name)
    async def handle(body: int) -> None:
        await asyncio.sleep(0)
        seen(body)

    async with running(broker):
        (subscriber,) = broker.subscribers
        for number in range(100):
            await broker.publish(number, name)
        await subscriber.pause()
        assert seen.items == list(range(100))
        assert await broker.publish("unheard", name) == 0
        assert subscriber.alive
        await subscriber.resume()
        assert await broker.publish(100, name) == 1
        await seen.count(101)


async def test_pause_from_inside(redis_url: str, name: str, seen: Seen) -> None:
    """A handler may pause its own subscriber, of each kind."""
    broker = broker_at(redis_url)

    @broker.subscriber(name)
    async def handle(body: int) -> None:
        await broker.subscribers[0].pause()
        seen(body)

    async with running(broker):
        await broker.publish(1, name)
        await seen.count(1)
        await until(lambda: _is(broker.publish(2, name), 0))
        await broker.subscribers[0].resume()
        await broker.publish(3, name)
        assert await seen.count(2) == [1, 3]


async def test_requests_share_one_subscription(redis_url: str, client: Any, name: str) -> None:
    """However many there are at once."""
    broker = broker_at(redis_url)

    @broker.subscriber(name, max_workers=20)
    async def handle(body: int) -> int:
        await asyncio.sleep(0.02)
        return body * 2

    async with running(broker):
        before = await client.pubsub_numpat()
        asked = [broker.request(number, name, timeout=10.0) for number in range(50)]
        answers = [await answer.decode() for answer in await asyncio.gather(*asked)]
        assert answers == [number * 2 for number in range(50)]
        assert await client.pubsub_numpat() == before + 1
    await until(lambda: _is(client.pubsub_numpat(), before))


async def test_requests_through_lists_and_streams(redis_url: str, name: str) -> None:
    """The answer comes through the inbox, wherever the request went."""
    broker = broker_at(redis_url)

    @broker.subscriber(list=name)
    async def of_list(body: str) -> str:
        return f"list {body}"

    @broker.subscriber(stream=f"{name}-s")
    async def of_stream(body: str) -> str:
        return f"stream {body}"

    publisher = broker.publisher(list=name)
    async with running(broker):
        for answer in (
            await broker.request("x", list=name, timeout=5.0),
            await publisher.request("x", timeout=5.0),
        ):
            assert await answer.decode() == "list x"
        answer = await broker.request("x", stream=f"{name}-s", timeout=5.0)
        assert await answer.decode() == "stream x"
        await broker.connection.delete(f"{name}-s")


async def test_requests_that_nobody_answers(redis_url: str, name: str) -> None:
    """At once where nobody listens, in time where nobody answers; both are timeouts."""
    broker = broker_at(redis_url)

    @broker.subscriber(name, no_reply=True)
    async def silent(body: str) -> str:
        return body

    async with running(broker):
        with pytest.raises(NobodyListens, match="no subscriber takes it") as error:
            await broker.request("x", f"{name}-other", timeout=30.0)
        assert isinstance(error.value, TimeoutError)
        with pytest.raises(RequestTimeout, match=r"within 0\.1 seconds"):
            await broker.request("x", name, timeout=0.1)
        with pytest.raises(RequestTimeout):
            await broker.request("x", list=f"{name}-list", timeout=0.1)
        await broker.connection.delete(f"{name}-list")
    with pytest.raises(IncorrectState):
        await broker.request("x", name, timeout=0.1)


async def test_publishing_that_goes_wrong(redis_url: str, client: Any, name: str) -> None:
    """No destination, two of them, what the server refuses."""
    await client.set(name, "x")
    broker = broker_at(redis_url)
    async with running(broker):
        with pytest.raises(SetupError, match="You have to specify"):
            await broker.publish("x")
        with pytest.raises(SetupError, match="together"):
            await broker.publish("x", "a", list="b")
        with pytest.raises(CommandRefused, match="WRONGTYPE") as error:
            await broker.publish("x", list=name)
        assert isinstance(error.value, PublishError)
        assert "WRONGTYPE" in repr(error.value)
        assert await broker.publish("x", name) == 0


async def test_many_publishers_at_once(redis_url: str, client: Any, name: str) -> None:
    """More than there are lines wait for one another."""
    broker = broker_at(redis_url, max_connections=4)
    async with running(broker):
        await asyncio.gather(*(broker.publish(number, list=name) for number in range(200)))
        assert await client.llen(name) == 200
        assert len(broker.redis._idle) <= 4


async def test_what_is_no_list(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """The subscriber says so, is not alive, and works when it is gone."""
    await client.set(name, "x")
    lines: list[str] = []

    class Logger:
        def log(self, level: int, msg: Any, *_: Any, **__: Any) -> None:
            lines.append(str(msg))

    broker = broker_at(redis_url, logger=Logger())

    @broker.subscriber(list=name)
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        await until(lambda: any("is no list: delete it" in line for line in lines))
        assert not broker.subscribers[0].alive
        await client.delete(name)
        await broker.publish("x", list=name)
        await seen.count(1)
        await until(lambda: broker.subscribers[0].alive)


async def test_library_name(redis_url: str, client: Any, name: str) -> None:
    """The server can tell whose connections they are."""
    broker = broker_at(redis_url, client_name=name)

    @broker.subscriber(name)
    async def handle(body: str) -> None: ...

    async with running(broker):
        found = [item for item in await client.client_list() if item["name"] == name]
        assert len(found) >= 2
        assert all("anystream" in item.get("lib-name", "anystream") for item in found)
    await until(lambda: _nobody(client, name))


async def _nobody(client: Any, name: str) -> bool:
    return not [item for item in await client.client_list() if item["name"] == name]


def test_on_another_loop(redis_url: str, name: str) -> None:
    """A broker can be started again, on another loop."""
    broker = broker_at(redis_url)

    @broker.subscriber(name)
    async def handle(body: int) -> int:
        return body + 1

    async def once() -> int:
        async with running(broker):
            answer = await broker.request(1, name, timeout=5.0)
            return int(await answer.decode())

    assert [asyncio.run(once()) for _ in range(3)] == [2, 2, 2]


async def test_read_with_workers(redis_url: str, client: Any, name: str) -> None:
    """What `get_one` took is not put back at the stop, whatever the subscriber's workers."""
    broker = broker_at(redis_url)
    reader = broker.subscriber(list=ListSub(name, prefetch=3), max_workers=3)
    async with running(broker):
        await broker.publish_batch("a", "b", list=name)
        message: Any = await reader.get_one(timeout=5.0)
        assert await message.decode() == "a"
    assert await client.llen(name) == 1
