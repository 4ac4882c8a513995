"""The examples of docs_src/rabbit, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import pytest
from yarl import URL

from anystream.rabbit import RabbitBroker
from docs_src.rabbit import (
    acknowledging,
    connecting,
    delaying,
    exchanges,
    publishing,
    queues,
    reading,
    streams,
)
from docs_src.rabbit.test_logs import test_topics  # noqa: F401 - collected here
from tests.waiting import until

on_server = pytest.mark.rabbit

NAMES = (
    *("docs.failed", "docs.jobs", "docs.errors", "docs.everything", "docs.pdf", "docs.urgent"),
    *("docs.results", "docs.tasks", "docs.waiting", "docs.reminders", "docs.events", "docs.inbox"),
)
EXCHANGES = ("docs.logs", "docs.reports", "docs.copies")


@asynccontextmanager
async def at_server(broker: RabbitBroker, url: str) -> AsyncIterator[RabbitBroker]:
    """The broker of an example at the server of the tests, without its queues before and after."""
    broker.rabbit.url = URL(url)
    await _delete(url)
    try:
        yield broker
    finally:
        await broker.stop()
        await _delete(url)


async def _delete(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for name in NAMES:
            await channel.queue_delete(name)
        for name in EXCHANGES:
            await channel.exchange_delete(name)


def test_connecting() -> None:
    """The address is put together of the URL and the credentials."""
    assert str(connecting.broker.rabbit.url) == "amqp://shop:secret@localhost:5672/shop"


@on_server
async def test_queues(rabbit_url: str) -> None:
    """What fails goes to the dead letter queue."""
    async with at_server(queues.broker, rabbit_url) as broker:
        await broker.start()
        for name in ("tea", "broken"):
            await broker.publish(name, queues.jobs)
        await until(lambda: len(queues.handled) == 2)
    assert sorted(queues.handled) == [("failed", "broken"), ("job", "tea")]


@on_server
async def test_exchanges(rabbit_url: str) -> None:
    """By topic, by headers, and what one exchange hands to another."""
    async with at_server(exchanges.broker, rabbit_url) as broker:
        await broker.start()
        await exchanges.main()
        await until(lambda: len(exchanges.handled) == 3)
    expected = [("everything", "disk full"), ("pdf", "sales"), ("shop", "disk full")]
    assert sorted(exchanges.handled) == expected


@on_server
async def test_publishing(rabbit_url: str) -> None:
    """Priorities, answers, and what nobody reads."""
    async with at_server(publishing.broker, rabbit_url):
        assert await publishing.main() == ["MILK", "MessageReturned"]
        await until(lambda: sorted(publishing.handled) == ["MILK", "TEA"])


@on_server
async def test_acknowledging(rabbit_url: str) -> None:
    """Given up, again, done."""
    async with at_server(acknowledging.broker, rabbit_url) as broker:
        await broker.start()
        for name in ("broken", "later", "now"):
            await broker.publish(name, "docs.tasks")
        await until(lambda: len(acknowledging.done) == 2)
    assert sorted(acknowledging.done) == ["later", "now"]


@on_server
async def test_delaying(rabbit_url: str) -> None:
    """A message comes when its time in the waiting queue is over."""
    async with at_server(delaying.broker, rabbit_url) as broker:
        await broker.start()
        await delaying.later("tea is ready", 0.2)
        await until(lambda: delaying.reminded == ["tea is ready"])


@on_server
async def test_streams(rabbit_url: str) -> None:
    """From the beginning, in order."""
    async with at_server(streams.broker, rabbit_url) as broker:
        await broker.connect()
        await broker.declare_queue(streams.events)
        await broker.publish_batch(1, 2, 3, queue="docs.events")
        await broker.start()
        await until(lambda: streams.read == [1, 2, 3])


@on_server
async def test_reading(rabbit_url: str) -> None:
    """One message, then the others."""
    async with at_server(reading.broker, rabbit_url):
        assert await reading.main() == ["a", "b", "c"]
