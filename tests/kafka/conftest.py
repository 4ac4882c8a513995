"""Topics that are made in advance, the bare client, and what handlers saw."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from anystream.kafka import KafkaBroker
from tests.waiting import Seen

RUN = f"{os.getpid()}-{uuid4().hex[:6]}"
QUICK: dict[str, Any] = {
    "auto_offset_reset": "earliest",
    "heartbeat_interval_ms": 100,
    "fetch_max_wait_ms": 100,
}
_numbers = itertools.count(1)


class Topics:
    """Hands out topics; makes many by one call."""

    def __init__(self, url: str) -> None:
        self.admin = AdminClient({"bootstrap.servers": url})
        self.made: list[str] = []
        self.free: dict[int, list[str]] = {}

    def __call__(self, partitions: int = 1) -> str:
        free = self.free.setdefault(partitions, [])
        if not free:
            free += [f"kafka-test-{RUN}-{next(_numbers)}" for _ in range(25)]
            wanted = [NewTopic(name, partitions, 1) for name in free]
            for future in self.admin.create_topics(wanted).values():
                future.result()
            self.made += free
        return free.pop()

    def new_name(self) -> str:
        """A name that is deleted in the end, of a topic that does not exist yet."""
        name = f"kafka-test-{RUN}-{next(_numbers)}"
        self.made.append(name)
        return name

    def delete(self) -> None:
        existing = set(self.admin.list_topics(timeout=10).topics) & set(self.made)
        if existing:
            for future in self.admin.delete_topics(sorted(existing)).values():
                future.result()


@pytest.fixture(scope="session")
def topics(kafka_url: str) -> Iterator[Topics]:
    """Makes topics, which are deleted in the end."""
    made = Topics(kafka_url)
    yield made
    made.delete()


@pytest.fixture
def topic(topics: Topics) -> str:
    """A topic with one partition that no other test uses."""
    return topics()


@pytest.fixture
def group() -> str:
    """A group that no other test uses."""
    return f"group-{RUN}-{next(_numbers)}"


@pytest.fixture
def seen() -> Seen:
    """Collects what handlers saw."""
    return Seen()


@pytest.fixture
def broker(kafka_url: str) -> KafkaBroker:
    """A broker that is not started, on the server."""
    return KafkaBroker(kafka_url, logger=None)


@pytest.fixture
async def producer(kafka_url: str) -> AsyncIterator[AIOKafkaProducer]:
    """The bare client's producer."""
    made = AIOKafkaProducer(bootstrap_servers=kafka_url)
    await made.start()
    yield made
    await made.stop()


async def records_of(url: str, topic: str, count: int, **options: Any) -> list[Any]:
    """The first records of a topic, by the bare client."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=url, auto_offset_reset="earliest", **options
    )
    await consumer.start()
    try:
        return [await asyncio.wait_for(consumer.getone(), 10) for _ in range(count)]
    finally:
        await consumer.stop()


async def committed(url: str, group: str, topic: str, partition: int = 0) -> int | None:
    """The offset that a group has committed, by the bare client."""
    consumer = AIOKafkaConsumer(bootstrap_servers=url, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition)])
        found: int | None = await consumer.committed(TopicPartition(topic, partition))
        return found
    finally:
        await consumer.stop()
