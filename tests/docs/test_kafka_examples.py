"""The examples of docs_src/kafka and docs_src/confluent, on a real server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from docs_src.confluent import acknowledging as confluent_acknowledging
from docs_src.confluent import connecting as confluent_connecting
from docs_src.confluent import publishing as confluent_publishing
from docs_src.confluent import reading as confluent_reading
from docs_src.confluent import rebalancing as confluent_rebalancing
from docs_src.confluent import topics as confluent_topics
from docs_src.kafka import (
    acknowledging,
    asking,
    connecting,
    publishing,
    reading,
    rebalancing,
    topics,
    transactions,
)
from docs_src.kafka.test_orders import test_groups  # noqa: F401 - collected here
from tests.brokers_up import why_down
from tests.kafka.conftest import records_of
from tests.waiting import until

PREFIXES = {"kafka": "docs", "confluent": "shop"}  # of the topics in their examples


def each_client(of_kafka: Any, of_confluent: Any) -> pytest.MarkDecorator:
    """The same example with both clients, and what the names of its topics begin with."""
    examples = {"kafka": of_kafka, "confluent": of_confluent}
    return pytest.mark.parametrize(
        ("example", "prefix"),
        [
            pytest.param(examples[name], prefix, marks=getattr(pytest.mark, name), id=name)
            for name, prefix in PREFIXES.items()
        ],
    )


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
    ours = tuple(f"{prefix}." for prefix in PREFIXES.values())
    deadline = time.monotonic() + 10
    while names := [n for n in admin.list_topics(timeout=10).topics if n.startswith(ours)]:
        assert time.monotonic() < deadline, names
        for future in admin.delete_topics(names).values():
            future.exception()  # one that is gone already
        time.sleep(0.05)


@asynccontextmanager
async def at_server(broker: Any, url: str) -> AsyncIterator[Any]:
    """The broker of an example at the server of the tests."""
    if broker.kind == "kafka":
        broker.kafka.servers = [url]
    else:
        broker.transport.clients.config.base["bootstrap.servers"] = url
    try:
        yield broker
    finally:
        await broker.stop()


@each_client(topics, confluent_topics)
async def test_topics(kafka_url: str, example: Any, prefix: str) -> None:
    """A group, a partition, a pattern, a batch."""
    async with at_server(example.broker, kafka_url) as broker:
        await broker.connect()
        await broker.publish("x", f"{prefix}.audit.joe")
        await broker.start()
        await broker.publish("tea", f"{prefix}.orders", partition=0)
        await until(lambda: len(example.handled) == 4)
    assert sorted(example.handled, key=str) == [
        ("batch", 1),
        ("group", "tea"),
        ("joe", "x"),
        ("partition 0", "tea"),
    ]


@each_client(acknowledging, confluent_acknowledging)
async def test_acknowledging(kafka_url: str, example: Any, prefix: str) -> None:
    """What is given back comes again, before what comes after it."""
    async with at_server(example.broker, kafka_url) as broker:
        await broker.start()
        for name in ("one", "later", "two"):
            await broker.publish(name, f"{prefix}.jobs")
        await until(lambda: len(example.done) == 4)
    assert example.done == ["one", "later", "later", "two"]


@each_client(publishing, confluent_publishing)
async def test_publishing(kafka_url: str, example: Any, prefix: str) -> None:
    """What is stored, and what is refused."""
    async with at_server(example.broker, kafka_url):
        seen = await example.main()
    assert seen == [(f"{prefix}.prices", 0), 1, "MessageTooLarge"]


@each_client(reading, confluent_reading)
async def test_reading(kafka_url: str, example: Any, prefix: str) -> None:
    """A message is taken by hand."""
    async with at_server(example.broker, kafka_url):
        assert await example.main() == ["hello"]


@pytest.mark.kafka
async def test_asking(kafka_url: str) -> None:
    """The answer comes through the topic for answers."""
    async with at_server(asking.broker, kafka_url):
        assert await asking.main() == 42


@pytest.mark.kafka
async def test_transactions(kafka_url: str) -> None:
    """Both messages are there."""
    async with at_server(transactions.broker, kafka_url) as broker:
        await broker.start()
        await broker.publish("tea", "docs.sales")
        options = {"isolation_level": "read_committed"}
        (bill,) = await records_of(kafka_url, "docs.bills", 1, **options)
        (mail,) = await records_of(kafka_url, "docs.mails", 1, **options)
    assert (bill.value, mail.value) == (b"bill for tea", b"thanks for tea")


@pytest.mark.kafka
async def test_rebalancing(kafka_url: str) -> None:
    """Partitions that came have a cache."""
    async with at_server(rebalancing.broker, kafka_url) as broker:
        await broker.start()
        assert list(rebalancing.caches.values()) == [[]]


@pytest.mark.confluent
async def test_rebalancing_with_confluent(kafka_url: str) -> None:
    """Partitions that came have a cache, until they go."""
    async with at_server(confluent_rebalancing.broker, kafka_url) as broker:
        await broker.start()
        assert confluent_rebalancing.caches == {("shop.clicks", 0): []}
    assert confluent_rebalancing.caches == {}


def test_connecting() -> None:
    """Nothing connects before the start."""
    for broker in (connecting.broker, confluent_connecting.broker):
        assert broker.specification.protocol == "kafka-secure"
        assert "secret" not in repr(broker)
    assert connecting.broker.kafka.security["sasl_mechanism"] == "SCRAM-SHA-256"
