"""A topic is deleted under a running consumer and made again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from confluent_kafka.admin import NewTopic

from anystream.kafka import KafkaBroker
from tests.brokers.rig import Seen
from tests.kafka.conftest import QUICK, Topics, running

pytestmark = pytest.mark.kafka


class Told:
    """A listener that waits for what comes after the first assignment."""

    def __init__(self) -> None:
        self.times = 0
        self.again = asyncio.Event()

    def on_partitions_revoked(self, revoked: Any) -> None: ...

    def on_partitions_assigned(self, assigned: Any) -> None:
        self.times += 1
        if self.times > 1:
            self.again.set()


async def test_a_topic_that_is_made_again_is_read_from_its_beginning(
    broker: KafkaBroker, topics: Topics, topic: str, group: str, seen: Seen
) -> None:
    """Also when the consumer has noticed that it was gone, and has no partition meanwhile."""
    told = Told()

    @broker.subscriber(topic, group_id=group, listener=told, **QUICK)
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        await broker.publish("before", topic)
        await seen.count(1)
        for future in topics.admin.delete_topics([topic]).values():
            await asyncio.to_thread(future.result)
        await asyncio.wait_for(told.again.wait(), 15)
        for future in topics.admin.create_topics([NewTopic(topic, 1, 1)]).values():
            await asyncio.to_thread(future.exception)  # a server may have made it by itself
        await broker.publish("after", topic)
        await seen.count(2)
    assert seen.items == ["before", "after"]
