"""Messages through the real server: acknowledgement, order, rebalance, end."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from anystream.confluent import KafkaBroker, TopicPartition
from anystream.confluent.annotations import KafkaMessage
from anystream.core import AckPolicy
from anystream.core.exceptions import NackMessage
from tests.confluent.conftest import QUICK, Server
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.confluent

HANDLED = {"auto_commit_interval_ms": 100}


async def test_handled_messages_are_committed_in_the_background(
    server: Server, topic: str, seen: Seen
) -> None:
    """Nothing given: what was handled is committed soon, an exception counts as handled."""
    broker = KafkaBroker(server.url)

    @broker.subscriber(topic, group_id=topic, **QUICK, **HANDLED)
    async def handle(body: str) -> None:
        seen(body)
        if body == "bad":
            raise ValueError(body)

    async with running(broker):
        for body in ("good", "bad"):
            await broker.publish(body, topic)
        await seen.count(2)
        deadline = time.monotonic() + 10
        while await server.committed(topic, topic) != 2:
            assert time.monotonic() < deadline
    assert await server.committed(topic, topic) == 2


async def test_what_is_in_hand_is_not_committed(server: Server, topic: str, seen: Seen) -> None:
    """The background commit stops before the message that is being handled; a cancelled handler
    never counts, so the next consumer of the group gets its message."""
    first = KafkaBroker(server.url, graceful_timeout=0.1)
    began = asyncio.Event()

    @first.subscriber(topic, group_id=topic, **QUICK, **HANDLED)
    async def stuck(body: str) -> None:
        if body == "two":
            began.set()
            await asyncio.sleep(60)

    await first.start()
    for body in ("one", "two", "three"):
        await first.publish(body, topic)
    await asyncio.wait_for(began.wait(), 10)
    await first.stop()
    assert await server.committed(topic, topic) == 1

    second = KafkaBroker(server.url)

    @second.subscriber(topic, group_id=topic, **QUICK)
    async def handle(body: str) -> None:
        seen(body)

    async with running(second):
        assert await seen.count(2) == ["two", "three"]


async def test_ack_commits_before_the_next_message(server: Server, topic: str, seen: Seen) -> None:
    """With `AckPolicy.ACK` the offset of a message is at the server when the next one comes."""
    broker = KafkaBroker(server.url)

    @broker.subscriber(topic, group_id=topic, ack_policy=AckPolicy.ACK, **QUICK)
    async def handle(body: str) -> None:
        seen(await server.committed(topic, topic))

    await server.send(topic, b"a", b"b", b"c")
    async with running(broker):
        found = await seen.count(3)
    assert found[1:] == [1, 2]
    assert await server.committed(topic, topic) == 3


async def test_nack_reads_again_from_there(server: Server, topic: str, seen: Seen) -> None:
    """The message that was given back and those after it come again, in order, the others do
    not."""
    broker, failed = KafkaBroker(server.url), []

    @broker.subscriber(topic, group_id=topic, ack_policy=AckPolicy.NACK_ON_ERROR, **QUICK)
    async def handle(body: str) -> None:
        seen(body)
        if body == "b" and not failed:
            failed.append(body)
            raise ValueError(body)

    await server.send(topic, b"a", b"b", b"c")
    async with running(broker):
        assert await seen.count(4) == ["a", "b", "b", "c"]
    assert await server.committed(topic, topic) == 3


async def test_nack_of_one_partition_leaves_the_others_alone(server: Server, seen: Seen) -> None:
    """With workers, too: what waits of that partition is dropped and read again, in order."""
    topic, broker, failed = server.topic(4), KafkaBroker(server.url), []

    @broker.subscriber(topic, group_id=topic, max_workers=4, **QUICK, **HANDLED)
    async def handle(body: dict[str, int]) -> None:
        seen((body["partition"], body["number"]))
        if body == {"partition": 1, "number": 3} and not failed:
            failed.append(body)
            raise NackMessage

    for partition in range(4):
        bodies = [b'{"partition":%d,"number":%d}' % (partition, n) for n in range(10)]
        await server.send(topic, *bodies, partition=partition)
    async with running(broker):
        found = await seen.count(41)
    for partition in range(4):
        numbers = [number for place, number in found if place == partition]
        extra = [3] if partition == 1 else []
        assert numbers == sorted([*range(10), *extra])
        assert await server.committed(topic, topic, partition) == 10


async def test_workers_keep_the_order_of_each_partition(server: Server, seen: Seen) -> None:
    """Partitions run at once, the messages of one never do."""
    topic, broker = server.topic(4), KafkaBroker(server.url)
    busy: dict[int, int] = {}
    most = 0

    @broker.subscriber(topic, group_id=topic, max_workers=4, **QUICK)
    async def handle(number: int, message: KafkaMessage) -> None:
        nonlocal most
        partition = message.raw_message.partition() or 0
        busy[partition] = busy.get(partition, 0) + 1
        assert busy[partition] == 1
        most = max(most, sum(busy.values()))
        await asyncio.sleep(0.005)
        busy[partition] -= 1
        seen((partition, number))

    for partition in range(4):
        await server.send(topic, *[b"%d" % n for n in range(20)], partition=partition)
    async with running(broker):
        found = await seen.count(80)
    assert most > 1
    for partition in range(4):
        assert [number for place, number in found if place == partition] == list(range(20))


async def test_manual_acks_hold_back_at_the_lowest_open_message(
    server: Server, topic: str, seen: Seen
) -> None:
    """`MANUAL`: a message that was not acknowledged is not passed by the commits of later ones."""
    broker = KafkaBroker(server.url)

    @broker.subscriber(topic, group_id=topic, ack_policy=AckPolicy.MANUAL, **QUICK)
    async def handle(body: str, message: KafkaMessage) -> None:
        if body != "b":
            await message.ack()
        seen(message)

    await server.send(topic, b"a", b"b", b"c")
    async with running(broker):
        found = await seen.count(3)
        assert await server.committed(topic, topic) == 1
        await found[1].ack()
        assert await server.committed(topic, topic) == 3


async def test_ack_first_counts_what_was_begun(server: Server, topic: str) -> None:
    """`ACK_FIRST` commits a message before its handler has ended, but none that waits."""
    broker, began = KafkaBroker(server.url, graceful_timeout=0.1), asyncio.Event()

    @broker.subscriber(topic, group_id=topic, ack_policy=AckPolicy.ACK_FIRST, **QUICK, **HANDLED)
    async def handle(body: str, message: KafkaMessage) -> None:
        assert not message.is_manual
        began.set()
        await asyncio.sleep(60)

    await server.send(topic, b"a", b"b", b"c")
    async with running(broker):
        await asyncio.wait_for(began.wait(), 10)
    assert await server.committed(topic, topic) == 1


async def test_a_new_group_begins_where_the_end_was(server: Server, topic: str, seen: Seen) -> None:
    """What is published right after the start arrives, and what is published after a stop without
    any message, too: "latest" is the end at the first start, not at each."""

    async def once(*bodies: bytes, count: int) -> None:
        broker = KafkaBroker(server.url)

        @broker.subscriber(topic, group_id=topic, heartbeat_interval_ms=100)
        async def handle(body: str) -> None:
            seen(body)

        async with running(broker):
            await server.send(topic, *bodies)
            await seen.count(count)

    await server.send(topic, b"before")
    await once(count=0)
    await server.send(topic, b"between")
    await once(b"after", count=2)
    assert seen.items == ["between", "after"]


async def test_batches(server: Server, topic: str, seen: Seen) -> None:
    """Lists of at most `max_records`; one acknowledgement for all."""
    broker = KafkaBroker(server.url)

    @broker.subscriber(
        topic, group_id=topic, batch=True, max_records=3, ack_policy=AckPolicy.ACK, **QUICK
    )
    async def handle(bodies: list[str], message: KafkaMessage) -> None:
        seen(bodies)
        assert isinstance(message.raw_message, tuple)
        first, last = message.raw_message[0], message.raw_message[-1]
        assert message.message_id.startswith(f"{first.offset()}-{last.offset()}-")

    await server.send(topic, b"a", b"b", b"c", b"d")
    async with running(broker):
        found = await seen.count(2)
        assert [body for bodies in found for body in bodies] == ["a", "b", "c", "d"]
        assert max(len(bodies) for bodies in found) <= 3
    assert await server.committed(topic, topic) == 4


async def test_explicit_partitions_and_offsets(server: Server, seen: Seen) -> None:
    """Only these partitions, from these offsets on."""
    topic, broker = server.topic(4), KafkaBroker(server.url)
    places = [TopicPartition(topic, 1, offset=1), TopicPartition(topic, 2, offset=0)]

    @broker.subscriber(partitions=places, group_id=topic)
    async def handle(body: str) -> None:
        seen(body)

    for partition in range(3):
        await server.send(topic, b"%da" % partition, b"%db" % partition, partition=partition)
    async with running(broker):
        assert sorted(await seen.count(3)) == ["1b", "2a", "2b"]
        assert set(broker.subscribers[0].schema()) == {f"{topic}:Handle"}


async def test_a_rebalance_finishes_and_commits_first(server: Server, seen: Seen) -> None:
    """A member that gives partitions away has handled and committed what was in its hands; the
    other one gets every other message, once. Callbacks are told, in the consumer's thread."""
    topic, told, slow = server.topic(4), [], asyncio.Event()

    def tell(name: str) -> Any:
        def callback(consumer: Any, partitions: list[Any]) -> None:
            told.append((name, len(partitions), threading.current_thread().name))

        return callback

    def member(name: str) -> KafkaBroker:
        broker = KafkaBroker(server.url)

        @broker.subscriber(
            topic,
            group_id=topic,
            on_assign=tell(f"{name} assign"),
            on_revoke=tell(f"{name} revoke"),
            max_workers=4,
            **QUICK,
        )
        async def handle(body: str) -> None:
            if body.startswith("slow"):
                slow.set()
                await asyncio.sleep(0.5)
            seen((name, body))

        return broker

    for partition in range(4):
        await server.send(topic, b"slow%d" % partition, b"x%d" % partition, partition=partition)
    async with running(member("a")):
        await asyncio.wait_for(slow.wait(), 10)
        async with running(member("b")):
            found = await seen.count(8)
            assert sorted(body for _, body in found) == sorted(
                f"{kind}{n}" for kind in ("slow", "x") for n in range(4)
            )
            assert {body for name, body in found if name == "a"} >= {f"slow{n}" for n in range(4)}
    steps = [entry[:2] for entry in told]
    assert steps[:2] == [("a assign", 4), ("a revoke", 4)]
    assert ("b assign", 2) in steps
    assert all("MainThread" not in thread for _, _, thread in told)


async def test_a_callback_that_fails_is_counted(server: Server, topic: str, seen: Seen) -> None:
    """The consumer goes on; the failure is in `client_errors`."""
    broker = KafkaBroker(server.url)

    def fails(consumer: Any, partitions: Any) -> None:
        raise ValueError("mine")

    @broker.subscriber(topic, group_id=topic, on_assign=fails, **QUICK)
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        await broker.publish("a", topic)
        await seen.count(1)
    assert broker.client_errors["callback"] == 1


async def test_a_slow_handler_stays_a_member(server: Server, topic: str, seen: Seen) -> None:
    """A handler that takes longer than `max_poll_interval_ms` does not cost the partitions."""
    broker = KafkaBroker(server.url)
    times = {"max_poll_interval_ms": 6000, "session_timeout_ms": 6000}

    @broker.subscriber(topic, group_id=topic, **QUICK, **times, **HANDLED)
    async def handle(body: str) -> None:
        if body == "slow":
            await asyncio.sleep(7.5)
        seen(body)

    await server.send(topic, b"slow", b"next")
    async with running(broker):
        await broker.publish("last", topic)
        assert await seen.count(3) == ["slow", "next", "last"]
        assert broker.subscribers[0].alive
    assert not broker.client_errors


async def test_patterns(server: Server, seen: Seen) -> None:
    """Topics by a regular expression, those that come later as well; `{name}` is captured."""
    topic = server.topic()
    root = topic.rpartition(".")[0].replace(".", r"\.")
    broker = KafkaBroker(server.url)

    @broker.subscriber(pattern=root + r"\.{number}", group_id=topic, **QUICK)
    async def handle(body: str, message: KafkaMessage) -> None:
        if message.raw_message.topic() == topic:
            seen((body, message.path))

    async with running(broker):
        await broker.publish("a", topic)
        await seen.count(1)
    assert seen.items == [("a", {"number": topic.rpartition(".")[2]})]


async def test_reading_without_a_handler(server: Server, topic: str) -> None:
    """`get_one` gives None when there is nothing; what is acknowledged is committed."""
    broker = KafkaBroker(server.url)
    subscriber = broker.subscriber(topic, group_id=topic, **QUICK)
    async with running(broker):
        assert await subscriber.get_one(timeout=0.2) is None
        await server.send(topic, b"a", b"b")
        first = await subscriber.get_one(timeout=5)
        assert first is not None
        assert await first.decode() == b"a"
        async for second in subscriber:
            assert await second.decode() == b"b"
            break
        await first.ack()
        assert await server.committed(topic, topic) == 1


async def test_nothing_is_left_running(server: Server, topic: str, seen: Seen) -> None:
    """After `stop()` there is no thread of ours and no task; the broker can be started again."""
    broker = KafkaBroker(server.url)

    @broker.subscriber(topic, group_id=topic, **QUICK)
    async def handle(body: str) -> None:
        seen(body)

    def threads() -> list[str]:
        names = [thread.name for thread in threading.enumerate()]
        return [name for name in names if name.startswith("anystream-confluent")]

    for number in range(2):
        async with running(broker):
            await broker.publish(f"{number}", topic)
            await seen.count(number + 1)
            assert len(threads()) >= 2
        await until(lambda: not threads(), 2.0)
        assert len(asyncio.all_tasks()) == 1
