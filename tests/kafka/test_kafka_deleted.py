"""A topic is deleted under a running consumer and made again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from confluent_kafka.admin import NewTopic

from anystream.kafka import KafkaBroker
from tests.kafka.conftest import QUICK, Topics
from tests.waiting import Seen, running, until

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


async def delete(topics: Topics, topic: str) -> None:
    for future in topics.admin.delete_topics([topic]).values():
        await asyncio.to_thread(future.result)


async def make_again(topics: Topics, topic: str) -> None:
    for future in topics.admin.create_topics([NewTopic(topic, 1, 1)]).values():
        await asyncio.to_thread(future.exception)  # a server may have made it by itself
    while not await asyncio.to_thread(is_known, topics, topic):
        await asyncio.sleep(0.05)


def is_known(topics: Topics, topic: str) -> bool:
    """Whether the server has heard of what its controller has made."""
    found = topics.admin.list_topics(timeout=10).topics.get(topic)
    return found is not None and any(each.leader >= 0 for each in found.partitions.values())


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
        await delete(topics, topic)
        await asyncio.wait_for(told.again.wait(), 15)
        await make_again(topics, topic)
        await broker.publish("after", topic)
        await seen.count(2)
    assert seen.items == ["before", "after"]


@pytest.mark.parametrize("others", [0, 1])
async def test_a_topic_of_a_pattern_that_is_made_again(
    broker: KafkaBroker, topics: Topics, group: str, seen: Seen, others: int
) -> None:
    """It is found soon, not only with the next metadata, whether others are still read or not."""
    name = topics.new_name()
    names = [f"{name}-{number}" for number in range(1 + others)]
    topics.made += names
    for each in names:
        await make_again(topics, each)

    @broker.subscriber(pattern=f"{name}-.*", group_id=group, **QUICK)
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        for each in names:
            await broker.publish(f"before {each}", each)
        await seen.count(len(names))
        await delete(topics, names[0])
        consumer = broker.subscribers[0]._runner._feed.consuming.consumer
        await until(lambda: names[0] not in consumer.subscription(), 30)
        await make_again(topics, names[0])
        await broker.publish("after", names[0])
        await until(lambda: "after" in seen.items, 30)
