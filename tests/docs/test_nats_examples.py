"""The examples of docs_src/nats, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import nats
import pytest

from anystream.core.exceptions import SetupError
from anystream.nats import NatsBroker
from docs_src.nats import (
    acknowledging,
    buckets,
    connecting,
    publishing,
    reading,
    scheduling,
    streams,
    subjects,
)
from docs_src.nats.test_orders import test_stream  # noqa: F401 - collected here
from docs_src.nats.test_watch import test_watch  # noqa: F401 - collected here
from tests.waiting import until

on_server = pytest.mark.nats


@asynccontextmanager
async def at_server(broker: NatsBroker, url: str, *remove: str) -> AsyncIterator[NatsBroker]:
    """The broker of an example at the server of the tests, without its streams before and after."""
    broker.nats.servers = [url]
    await _delete(url, remove)
    try:
        yield broker
    finally:
        await broker.stop()
        await _delete(url, remove)


async def _delete(url: str, names: Sequence[str]) -> None:
    client = await nats.connect(url)
    for name in names:
        try:
            await client.jetstream().delete_stream(name)
        except nats.js.errors.NotFoundError:
            continue
    await client.close()


@on_server
async def test_subjects(nats_url: str) -> None:
    """A queue group, a path part, a wildcard."""
    async with at_server(subjects.broker, nats_url) as broker:
        await broker.start()
        answer = await broker.request("tea", "shop.orders.de.new", timeout=2.0)
        assert await answer.decode() == "tea to de"
        answer = await broker.request("x", "shop.audit.a.b", timeout=2.0)
        assert await answer.decode() == "shop.audit.a.b"
        await broker.publish(1, "shop.jobs")


@on_server
async def test_publishing(nats_url: str) -> None:
    """What is stored, answered and refused."""
    async with at_server(publishing.broker, nats_url, "DOCS_LOG"):
        seen = await publishing.main()
    price = {"item": "tea", "price": 4.5}
    assert seen == ["DOCS_LOG", price, "EUR", "NoResponders", "PublishError"]


@on_server
async def test_streams(nats_url: str) -> None:
    """Pushed, pulled and in a batch: each consumer gets the message."""
    async with at_server(streams.broker, nats_url, "DOCS_ORDERS") as broker:
        await broker.start()
        await broker.publish("tea", "docs.orders.new", stream="DOCS_ORDERS")
        await until(lambda: len(streams.handled) == 3)
    assert sorted(streams.handled) == [("batch", "tea"), ("pulled", "tea"), ("pushed", "tea")]


@on_server
async def test_acknowledging(nats_url: str) -> None:
    """Given up, delayed, done."""
    async with at_server(acknowledging.broker, nats_url, "DOCS_JOBS") as broker:
        await broker.start()
        for name in ("broken", "later", "now"):
            await broker.publish(name, "docs.jobs", stream="DOCS_JOBS")
        await until(lambda: len(acknowledging.done) == 3)
    assert sorted(acknowledging.done) == ["later", "later", "now"]


@on_server
async def test_buckets(nats_url: str) -> None:
    """Changes of keys and objects are handled; the buckets are the client library's."""
    names = ("KV_DOCS_PRICES", "OBJ_DOCS_FILES")
    async with at_server(buckets.broker, nats_url, *names) as broker:
        await broker.start()
        body = {"item": "tea", "value": 4.5}
        answer = await broker.request(body, "docs.prices", timeout=5.0)
        assert await answer.decode() == 4.5
        await buckets.upload()
        await until(lambda: len(buckets.handled) == 2)
    assert buckets.handled == [("tea", 4.5, 1), ("menu.txt", 8)]


@on_server
async def test_scheduling(nats_url: str) -> None:
    """A message comes when it is due; an older server is refused."""
    async with at_server(scheduling.broker, nats_url, "DOCS_REMINDERS") as broker:
        version = (await broker.connect()).connected_server_version
        if (version.major, version.minor) < (2, 12):
            with pytest.raises(SetupError, match=r"needs NATS 2\.12"):
                await broker.start()
            return
        await broker.start()
        await scheduling.plan("tea is ready", 1.0)
        await until(lambda: scheduling.reminded == ["tea is ready"])


@on_server
async def test_reading(nats_url: str) -> None:
    """One message, then the next."""
    async with at_server(reading.broker, nats_url, "DOCS_READ"):
        assert await reading.main() == ["one", "two"]


def test_connecting() -> None:
    """The options are taken; passwords do not show."""
    assert connecting.broker.graceful_timeout == 15.0
    assert "secret" not in repr(connecting.broker)
