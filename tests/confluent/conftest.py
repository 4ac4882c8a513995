"""Topics that are made in one go, and what the server knows of them."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.waiting import Seen

MANY = 40
_run = uuid4().hex[:8]
_numbers = itertools.count(1)

QUICK: dict[str, Any] = {
    "auto_offset_reset": "earliest",
    "fetch_max_wait_ms": 100,
    "heartbeat_interval_ms": 100,
}


@pytest.fixture
async def seen() -> Seen:
    """Collects what handlers saw."""
    return Seen(15.0)


class Server:
    """What tests ask the server through the bare client."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._free: dict[int, list[str]] = {}
        self._made: list[str] = []

    def topic(self, partitions: int = 1) -> str:
        """A topic that no other test uses."""
        free = self._free.setdefault(partitions, [])
        if not free:
            count = MANY if partitions == 1 else 8
            free += [f"test.{os.getpid()}.{_run}.{next(_numbers)}" for _ in range(count)]
            admin = AdminClient({"bootstrap.servers": self.url})
            for future in admin.create_topics([NewTopic(n, partitions, 1) for n in free]).values():
                future.result()
            self._made += free
        return free.pop()

    def delete(self) -> None:
        """Deletes what was made."""
        if self._made:
            admin = AdminClient({"bootstrap.servers": self.url})
            for future in admin.delete_topics(self._made).values():
                future.result()

    async def committed(self, topic: str, group: str, partition: int = 0) -> int:
        """The offset that the group has committed, negative without one."""

        def ask() -> int:
            consumer = Consumer({"bootstrap.servers": self.url, "group.id": group})
            try:
                (found,) = consumer.committed([TopicPartition(topic, partition)], timeout=10)
                return int(found.offset)
            finally:
                consumer.close()

        return await asyncio.to_thread(ask)

    async def records(self, topic: str, count: int) -> list[Any]:
        """The first records of partition 0."""

        def read() -> list[Any]:
            consumer = Consumer({"bootstrap.servers": self.url, "group.id": uuid4().hex})
            try:
                consumer.assign([TopicPartition(topic, 0, 0)])
                return list(consumer.consume(count, 10))
            finally:
                consumer.close()

        return await asyncio.to_thread(read)

    async def send(self, topic: str, *values: bytes | None, **options: Any) -> None:
        """Publishes through the bare client."""

        def produce() -> None:
            producer = Producer({"bootstrap.servers": self.url})
            for value in values:
                producer.produce(topic, value, **options)
            producer.flush(10)

        await asyncio.to_thread(produce)


@pytest.fixture(scope="session")
def server(kafka_url: str) -> Iterator[Server]:
    """The shared server; use it together with `@pytest.mark.confluent`."""
    made = Server(kafka_url)
    yield made
    made.delete()


@pytest.fixture
def topic(server: Server) -> str:
    """A topic with one partition that no other test uses."""
    return server.topic()
