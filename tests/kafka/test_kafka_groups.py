"""Commits, workers, partitions, rebalance: what a group sees of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from anystream.core import AckPolicy
from anystream.kafka import KafkaBroker
from anystream.kafka.annotations import Consumer, KafkaMessage
from tests.kafka.conftest import QUICK, Topics, committed
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.kafka


async def test_handled_messages_are_committed_in_the_background(
    kafka_url: str, broker: KafkaBroker, topic: str, group: str, seen: Seen
) -> None:
    """By default at an interval: what was handled, with success or not; not what is in hand."""
    gate = asyncio.Event()

    @broker.subscriber(topic, group_id=group, auto_commit_interval_ms=50, **QUICK)
    async def handle(body: int) -> None:
        seen(body)
        if body == 1:
            raise ValueError("it counts as handled")
        if body == 2:
            await gate.wait()

    async with running(broker):
        for number in range(4):
            await broker.publish(number, topic)
        await seen.count(3)

        async def at_two() -> bool:
            return await committed(kafka_url, group, topic) == 2

        await until(at_two)
        gate.set()
        await seen.count(4)
    assert await committed(kafka_url, group, topic) == 4


async def test_a_group_that_begins_at_the_end_skips_nothing(
    kafka_url: str, topic: str, group: str, seen: Seen
) -> None:
    """What came after its first start comes, also if it crashed before its first commit."""
    broker = KafkaBroker(kafka_url, logger=None, graceful_timeout=0.05)
    other = KafkaBroker(kafka_url, logger=None)

    @broker.subscriber(topic, group_id=group)
    async def handle(body: str) -> None:
        seen(body)
        if len(seen.items) == 1:
            await asyncio.Event().wait()

    async with running(other):
        await other.publish("before", topic)
        async with running(broker):
            await other.publish("in hand", topic)
            await seen.count(1)
        await other.publish("meanwhile", topic)
        async with running(broker):
            assert await seen.count(3) == ["in hand", "in hand", "meanwhile"]


async def test_nothing_published_after_the_start_is_missed(
    broker: KafkaBroker, topic: str, seen: Seen
) -> None:
    """Though it begins at the end, and nobody keeps its position."""
    broker.subscriber(topic)(_into(seen))
    broker.subscriber(pattern=topic)(_into(seen))
    broker.subscriber(pattern=topic, group_id=topic)(_into(seen))
    async with running(broker):
        await broker.publish("x", topic)
        assert await seen.count(3) == ["x", "x", "x"]


async def test_nothing_is_committed_of_a_handler_that_is_cancelled(
    kafka_url: str, topic: str, group: str, seen: Seen
) -> None:
    """What was in hand when the graceful timeout was over comes again."""
    first = KafkaBroker(kafka_url, logger=None, graceful_timeout=0.1)

    @first.subscriber(topic, group_id=group, **QUICK)
    async def handle(body: int) -> None:
        seen(body)
        if body == 1:
            await asyncio.Event().wait()

    async with running(first):
        for number in range(3):
            await first.publish(number, topic)
        await seen.count(2)
    assert await committed(kafka_url, group, topic) == 1


async def test_stop_does_not_work_off_what_was_taken(
    kafka_url: str, broker: KafkaBroker, topic: str, group: str, seen: Seen
) -> None:
    """It waits for what is being handled; the rest is committed by nobody and comes again."""
    entered = asyncio.Event()

    @broker.subscriber(topic, group_id=group, **QUICK)
    async def handle(body: int) -> None:
        entered.set()
        await asyncio.sleep(0.05)
        seen(body)

    for _ in range(2):
        async with running(broker):
            if not seen.items:
                await broker.publish_batch(*range(40), topic=topic)
            await asyncio.wait_for(entered.wait(), 10)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 1
        entered.clear()
    handled = len(seen.items)
    assert 0 < handled < 40
    assert seen.items == list(range(handled))
    assert await committed(kafka_url, group, topic) == handled


async def test_ack_commits_before_the_next_message(
    kafka_url: str, broker: KafkaBroker, topic: str, group: str, seen: Seen
) -> None:
    """When a handler begins, the one before is committed."""

    @broker.subscriber(topic, group_id=group, ack_policy=AckPolicy.ACK, **QUICK)
    async def handle(body: int, consumer: Consumer) -> None:
        seen((body, await consumer.committed(TopicPartition(topic, 0))))

    async with running(broker):
        for number in range(3):
            await broker.publish(number, topic)
        assert await seen.count(3) == [(0, None), (1, 1), (2, 2)]


async def test_ack_first_is_the_clients_auto_commit(
    kafka_url: str, broker: KafkaBroker, topic: str, group: str, seen: Seen
) -> None:
    """A message in hand is committed already; the message says so."""
    gate = asyncio.Event()
    policy = AckPolicy.ACK_FIRST

    @broker.subscriber(
        topic, group_id=group, ack_policy=policy, auto_commit_interval_ms=50, **QUICK
    )
    async def handle(body: int, message: KafkaMessage) -> None:
        seen(message.committed)
        await gate.wait()

    async with running(broker):
        await broker.publish(0, topic)
        assert (await seen.one()).value == "ACKED"

        async def at_one() -> bool:
            return await committed(kafka_url, group, topic) == 1

        await until(at_one)
        gate.set()


async def test_nack_reads_its_partition_again(
    broker: KafkaBroker, topics: Topics, group: str, seen: Seen
) -> None:
    """From that message on and in order; other partitions go on."""
    topic = topics(2)

    @broker.subscriber(topic, group_id=group, ack_policy=AckPolicy.NACK_ON_ERROR, **QUICK)
    async def handle(body: str) -> None:
        tries = seen.items.count(body)
        seen(body)
        if body == "b1" and tries < 3:
            raise ValueError("again")

    for number in range(3):
        await _publish_before(broker, topic, f"a{number}", 0)
        await _publish_before(broker, topic, f"b{number}", 1)
    async with running(broker):
        found = await seen.count(9)
    assert [item for item in found if item[0] == "a"] == ["a0", "a1", "a2"]
    assert [item for item in found if item[0] == "b"] == ["b0", *["b1"] * 4, "b2"]


async def _publish_before(broker: KafkaBroker, topic: str, body: Any, partition: int) -> None:
    await broker.connect()
    await broker.publish(body, topic, partition=partition)


async def test_manual_acknowledgement_after_the_handler(
    kafka_url: str, broker: KafkaBroker, topic: str, group: str
) -> None:
    """The lowest message that is still open holds back the commit."""
    kept: list[Any] = []
    seen = Seen()

    @broker.subscriber(topic, group_id=group, ack_policy=AckPolicy.MANUAL, **QUICK)
    async def handle(body: int, message: KafkaMessage) -> None:
        kept.append(message)
        seen(body)

    async with running(broker):
        for number in range(3):
            await broker.publish(number, topic)
        await seen.count(3)
        await kept[1].ack()
        await kept[2].ack()
        assert await committed(kafka_url, group, topic) is None
        await kept[0].ack()
        assert await committed(kafka_url, group, topic) == 3


async def test_workers_keep_the_order_inside_a_partition(
    broker: KafkaBroker, topics: Topics, group: str
) -> None:
    """And handle partitions at the same time."""
    topic, seen, at_work = topics(4), Seen(), set[int]()
    together = asyncio.Event()

    @broker.subscriber(topic, group_id=group, max_workers=4, **QUICK)
    async def handle(body: int, message: KafkaMessage) -> None:
        partition = message.raw_message.partition
        assert partition not in at_work
        at_work.add(partition)
        if len(at_work) == 4:
            together.set()
        await asyncio.wait_for(together.wait(), 10)
        await asyncio.sleep(0)
        at_work.discard(partition)
        seen((partition, body))

    await broker.connect()
    for partition in range(4):
        await broker.publish_batch(*range(50), topic=topic, partition=partition)
    async with running(broker):
        found = await seen.count(200)
    for partition in range(4):
        assert [n for at, n in found if at == partition] == list(range(50))


async def test_workers_commit_each_partition_at_its_own_mark(
    kafka_url: str, broker: KafkaBroker, topics: Topics, group: str, seen: Seen
) -> None:
    """A handler that hangs holds back its partition only; `max_workers` with `AckPolicy.ACK`."""
    topic, gate = topics(2), asyncio.Event()
    policy = AckPolicy.ACK

    @broker.subscriber(topic, group_id=group, max_workers=3, ack_policy=policy, **QUICK)
    async def handle(body: int, message: KafkaMessage) -> None:
        if message.raw_message.partition == 0 and body == 1:
            await gate.wait()
        seen(body)

    await broker.connect()
    for partition in range(2):
        await broker.publish_batch(*range(3), topic=topic, partition=partition)
    async with running(broker):
        await seen.count(4)

        async def marks() -> bool:
            found = [await committed(kafka_url, group, topic, at) for at in (0, 1)]
            return found == [1, 3]

        await until(marks)
        gate.set()
        await seen.count(6)
    assert [await committed(kafka_url, group, topic, at) for at in (0, 1)] == [3, 3]


async def test_a_full_partition_does_not_starve_others(
    broker: KafkaBroker, topics: Topics, group: str, seen: Seen
) -> None:
    """While one handler hangs before a long queue, other partitions are read."""
    topic, gate = topics(2), asyncio.Event()

    @broker.subscriber(topic, group_id=group, max_workers=2, **QUICK)
    async def handle(body: int, message: KafkaMessage) -> None:
        if message.raw_message.partition == 0:
            await gate.wait()
        seen((message.raw_message.partition, body))

    await broker.connect()
    for _ in range(8):
        await broker.publish_batch(*range(100), topic=topic, partition=0)
    async with running(broker):
        await broker.publish(1, topic, partition=1)
        await broker.publish(2, topic, partition=1)
        assert await seen.count(2) == [(1, 1), (1, 2)]
        gate.set()
        await seen.count(802)


async def test_explicit_partitions(broker: KafkaBroker, topics: Topics, seen: Seen) -> None:
    """Only they are read; an offset in them says where to begin."""
    topic = topics(2)

    class From(TopicPartition):
        offset = 1

    await broker.connect()
    for number in range(3):
        await broker.publish(number, topic, partition=1)
    await broker.publish("other", topic, partition=0)
    plain = Seen()
    broker.subscriber(partitions=[TopicPartition(topic, 1)], **QUICK)(_into(plain))
    broker.subscriber(partitions=[From(topic, 1)], **QUICK)(_into(seen))
    async with running(broker):
        assert await plain.count(3) == [0, 1, 2]
        assert await seen.count(2) == [1, 2]


def _into(seen: Seen) -> Any:
    async def handle(body: Any) -> None:
        seen(body)

    return handle


class Listener:
    """A user's rebalance listener, sync and async methods mixed."""

    def __init__(self) -> None:
        self.seen = Seen()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.seen(("assigned", len(assigned)))

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.seen(("revoked", len(revoked)))

    async def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.seen(("lost", len(lost)))


async def test_a_rebalance_drains_and_commits_first(
    kafka_url: str, topics: Topics, group: str
) -> None:
    """The handler in hand ends and is committed before the partition goes; the rest of what was
    taken is not handled here any more, and nothing is handled twice."""
    topic, seen, listener, entered = topics(2), Seen(), Listener(), asyncio.Event()
    one, two = (KafkaBroker(kafka_url, logger=None) for _ in range(2))
    revoked_with: list[Any] = []

    @one.subscriber(topic, group_id=group, listener=listener, **QUICK)
    async def first(body: int, message: KafkaMessage) -> None:
        entered.set()
        await asyncio.sleep(0.2 if len(seen.items) == 0 else 0.01)
        seen((message.raw_message.partition, body))
        revoked_with.append(len(listener.seen.items))

    @two.subscriber(topic, group_id=group, **QUICK)
    async def second(body: int, message: KafkaMessage) -> None:
        seen((message.raw_message.partition, body))

    await one.connect()
    for partition in range(2):
        await one.publish_batch(*range(20), topic=topic, partition=partition)
    async with running(one):
        await asyncio.wait_for(entered.wait(), 10)
        async with running(two):
            found = await seen.count(40)
            await listener.seen.count(4)
    assert sorted(found) == [(at, n) for at in range(2) for n in range(20)]
    kinds = [kind for kind, _ in listener.seen.items[:4]]
    assert kinds == ["revoked", "assigned", "revoked", "assigned"]
    assert [count for _, count in listener.seen.items[:4]] == [0, 2, 2, 1]


async def test_lost_partitions(kafka_url: str, topic: str, group: str, seen: Seen) -> None:
    """A member that the group has given up is told so, commits nothing and joins again."""
    broker, listener = KafkaBroker(kafka_url, logger=None), Listener()
    subscriber = broker.subscriber(
        topic, group_id=group, listener=listener, **{**QUICK, "session_timeout_ms": 6000}
    )(_into(seen))
    del subscriber
    async with running(broker):
        await listener.seen.count(2)
        await broker.publish(1, topic)
        await seen.count(1)
        coordinator = broker.subscribers[0]._runner._feed.consuming.consumer._coordinator
        coordinator.member_id = "somebody-else"  # as the server sees one that was away too long
        await listener.seen.count(4)
        assert listener.seen.items[2:4] == [("lost", 1), ("assigned", 1)]
        await broker.publish(2, topic)
        await seen.count(2)
    assert seen.items[-1] == 2


async def test_pause_keeps_the_place_in_the_group(
    broker: KafkaBroker, topic: str, group: str, seen: Seen
) -> None:
    """Longer than `max_poll_interval_ms`; what was taken and not begun comes when it is over."""
    limit = {"max_poll_interval_ms": 1000}
    listener = Listener()
    subscriber = broker.subscriber(topic, group_id=group, listener=listener, **QUICK, **limit)
    subscriber(_into(seen))
    async with running(broker):
        await subscriber.pause()
        await broker.publish(1, topic)
        await asyncio.sleep(2.5)  # a while of nothing is what it is about
        assert seen.items == []
        await subscriber.resume()
        assert await seen.one() == 1
    assert [kind for kind, _ in listener.seen.items] == ["revoked", "assigned"]


async def test_long_work_on_what_was_taken_keeps_the_place(
    broker: KafkaBroker, topic: str, group: str, seen: Seen
) -> None:
    """Many records are taken at once; the time for all of them may exceed the poll interval."""
    listener = Listener()

    @broker.subscriber(topic, group_id=group, listener=listener, max_poll_interval_ms=400, **QUICK)
    async def handle(body: int) -> None:
        await asyncio.sleep(0.1)
        seen(body)

    await broker.connect()
    await broker.publish_batch(*range(12), topic=topic)
    async with running(broker):
        assert await seen.count(12) == list(range(12))
    assert [kind for kind, _ in listener.seen.items] == ["revoked", "assigned"]


async def test_batches_are_acknowledged_as_one(
    kafka_url: str, broker: KafkaBroker, topic: str, group: str, seen: Seen
) -> None:
    """A batch that is given back comes again from its first message on."""

    @broker.subscriber(
        topic,
        group_id=group,
        batch=True,
        batch_timeout_ms=50,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        **QUICK,
    )
    async def handle(bodies: list[int]) -> None:
        seen(bodies)
        if len(seen.items) == 1:
            raise ValueError("again")

    await broker.connect()
    await broker.publish_batch(1, 2, 3, topic=topic)
    async with running(broker):
        assert await seen.count(2) == [[1, 2, 3], [1, 2, 3]]

        async def at_three() -> bool:
            return await committed(kafka_url, group, topic) == 3

        await until(at_three)
