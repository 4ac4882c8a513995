"""The examples of docs_src/confluent, on a real server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from anystream.confluent import KafkaBroker
from docs_src.confluent import (
    acknowledging,
    connecting,
    publishing,
    reading,
    rebalancing,
    topics,
)
from tests.brokers_up import why_down
from tests.confluent.conftest import until

on_server = pytest.mark.confluent


@pytest.fixture(autouse=True, scope="module")
def no_topics_left(kafka_url: str) -> Iterator[None]:
    """The topics of the examples are deleted with their groups' offsets, before and after."""
    _delete(kafka_url)
    yield
    _delete(kafka_url)


def _delete(url: str) -> None:
    if why_down("kafka") is not None:
        return
    admin = AdminClient({"bootstrap.servers": url})
    deadline = time.monotonic() + 10
    while names := [name for name in admin.list_topics(timeout=10).topics if name[:5] == "shop."]:
        assert time.monotonic() < deadline, names
        for future in admin.delete_topics(names).values():
            future.exception()  # one that is gone already
        time.sleep(0.05)


@asynccontextmanager
async def at_server(broker: KafkaBroker, url: str) -> AsyncIterator[KafkaBroker]:
    """The broker of an example at the server of the tests."""
    transport: Any = broker.transport
    transport.clients.config.base["bootstrap.servers"] = url
    try:
        yield broker
    finally:
        await broker.stop()


@on_server
async def test_topics(kafka_url: str) -> None:
    """A group, a partition, a pattern, a batch."""
    async with at_server(topics.broker, kafka_url) as broker:
        await broker.connect()
        await broker.publish("x", "shop.audit.joe")
        await broker.start()
        await broker.publish("tea", "shop.orders", partition=0)
        await until(lambda: len(topics.handled) == 4)
    assert sorted(topics.handled, key=str) == [
        ("batch", 1),
        ("group", "tea"),
        ("joe", "x"),
        ("partition 0", "tea"),
    ]


@on_server
async def test_acknowledging(kafka_url: str) -> None:
    """What is given back comes again, before what comes after it."""
    async with at_server(acknowledging.broker, kafka_url) as broker:
        await broker.start()
        for name in ("one", "later", "two"):
            await broker.publish(name, "shop.jobs")
        await until(lambda: len(acknowledging.done) == 4)
    assert acknowledging.done == ["one", "later", "later", "two"]


@on_server
async def test_publishing(kafka_url: str) -> None:
    """What is stored, and what is refused."""
    async with at_server(publishing.broker, kafka_url):
        seen = await publishing.main()
    assert seen == [("shop.prices", 0), 1, "MessageTooLarge"]


@on_server
async def test_rebalancing(kafka_url: str) -> None:
    """Partitions that came have a cache."""
    async with at_server(rebalancing.broker, kafka_url) as broker:
        await broker.start()
        assert rebalancing.caches == {("shop.clicks", 0): []}
    assert rebalancing.caches == {}


@on_server
async def test_reading(kafka_url: str) -> None:
    """A message is taken by hand."""
    async with at_server(reading.broker, kafka_url):
        assert await reading.main() == ["hello"]


def test_connecting() -> None:
    """Nothing connects before the start."""
    assert connecting.broker.specification.protocol == "kafka-secure"
    assert "secret" not in repr(connecting.broker)
