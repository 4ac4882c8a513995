"""The examples of docs_src/redis, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis.asyncio

from anystream.redis import RedisBroker
from anystream.redis.servers import connection_options
from docs_src.redis import channels, connecting, formats, lists, publishing, reading, streams
from docs_src.redis.test_orders import test_orders  # noqa: F401 - collected here
from tests.waiting import until

on_server = pytest.mark.redis


@asynccontextmanager
async def at_server(broker: RedisBroker, url: str) -> AsyncIterator[Any]:
    """The broker of an example at the server of the tests; what it leaves there is deleted."""
    servers: Any = broker.redis.servers
    servers.options = connection_options(url, {}, {})
    async with redis.asyncio.from_url(url) as client:
        await _delete(client)
        try:
            yield client
        finally:
            await broker.stop()
            await _delete(client)


async def _delete(client: Any) -> None:
    async for key in client.scan_iter("docs:*"):
        await client.delete(key)


def test_connecting() -> None:
    """The options are taken; passwords do not show."""
    assert "secret" not in repr(connecting.broker)
    assert "main" in connecting.of_sentinels.redis.address
    assert "two:7001" in repr(connecting.of_cluster)


@on_server
async def test_channels(redis_url: str) -> None:
    """A channel, a part of its name, a pattern."""
    async with at_server(channels.broker, redis_url):
        broker = channels.broker
        await broker.start()
        for channel, expected in (
            ("docs.prices", 4.5),
            ("docs.orders.de", "tea to de"),
            ("docs.log.a1", "docs.log.a1"),
        ):
            answer = await broker.request("tea", channel, timeout=5.0)
            assert await answer.decode() == expected


@on_server
async def test_lists(redis_url: str) -> None:
    """Single elements, batches, read ahead."""
    async with at_server(lists.broker, redis_url):
        await lists.main()

        def complete() -> bool:
            rows = [number for item in lists.done if isinstance(item, list) for number in item]
            return rows == [1, 2, 3, 4] and 1 in lists.done and "/" in lists.done

        await until(complete)


@on_server
async def test_streams(redis_url: str) -> None:
    """Each group gets each message once; what failed comes again."""
    streams.handled.clear()
    async with at_server(streams.broker, redis_url) as client:
        await client.xadd("docs:orders", {"__data__": "old"})
        await streams.broker.start()
        await streams.broker.publish("hello", stream="docs:log")
        for item in ("tea", "heavy"):
            await streams.broker.publish(item, stream="docs:orders")
        await until(lambda: len(streams.handled) >= 6)
    assert sorted(streams.handled) == [
        ("bill", "heavy"),
        ("bill", "old"),
        ("bill", "tea"),
        ("everybody", "hello"),
        ("ship", "heavy"),
        ("ship", "tea"),
    ]


@on_server
async def test_publishing(redis_url: str) -> None:
    """An answer with headers, a pipeline, nobody."""
    async with at_server(publishing.broker, redis_url) as client:
        price = {"item": "tea", "price": 4.5}
        assert await publishing.main() == [price, "EUR", 2, "NobodyListens"]
        assert await client.llen("docs:items") == 2
        assert await client.xlen("docs:audit") == 1


@on_server
async def test_formats(redis_url: str) -> None:
    """The body alone is in the list."""
    async with at_server(formats.broker, redis_url) as client:
        await formats.broker.start()
        await formats.plain.publish({"a": 1})
        assert await client.lindex("docs:plain", 0) == b'{"a": 1}'
        assert formats.Plain.parse(b"1")[0] == b"1"


@on_server
async def test_reading(redis_url: str) -> None:
    """One message, then the next."""
    async with at_server(reading.broker, redis_url):
        assert await reading.main() == ["one", "two"]
