"""Streams and their groups, on the real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anystream.core import AckPolicy
from anystream.core.exceptions import NackMessage
from anystream.redis import RedisStreamMessage, StreamSub
from anystream.redis.stream_ids import before
from tests.redis.conftest import broker_at
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.redis


def group(name: str, consumer: str = "c", **options: Any) -> StreamSub:
    return StreamSub(name, group="g", consumer=consumer, **options)


async def pending(client: Any, name: str) -> int:
    return int((await client.xpending(name, "g"))["pending"])


async def test_without_a_group(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """From the end on by default, from an id if one is given."""
    first = await client.xadd(name, {"__data__": "0"})
    await client.xadd(name, {"__data__": "1"})
    broker = broker_at(redis_url)
    late, early = Seen(), seen

    @broker.subscriber(stream=name)
    async def new(body: int) -> None:
        late(body)

    @broker.subscriber(stream=StreamSub(name, last_id=first.decode()))
    async def after(body: int) -> None:
        early(body)

    async with running(broker):
        await broker.publish(2, stream=name)
        assert await early.count(2) == [1, 2]
        assert await late.count(1) == [2]


async def test_new_group_begins_at_the_end(
    redis_url: str, client: Any, name: str, seen: Seen
) -> None:
    """Unless `last_id` or `group_start` says otherwise, and they are apart."""
    await client.xadd(name, {"__data__": "1"})
    broker = broker_at(redis_url)
    all_of_it, from_id = Seen(), Seen()

    @broker.subscriber(stream=group(name))
    async def new(body: int) -> None:
        seen(body)

    beginning = StreamSub(name, group="all", consumer="c", group_start="0")

    @broker.subscriber(stream=beginning)
    async def everything(body: int) -> None:
        all_of_it(body)

    @broker.subscriber(stream=StreamSub(name, group="id", consumer="c", last_id="0"))
    async def by_id(body: int) -> None:
        from_id(body)

    async with running(broker):
        await broker.publish(2, stream=name)
        assert await all_of_it.count(2) == [1, 2]
        assert await from_id.count(2) == [1, 2]
        assert await seen.count(1) == [2]


async def test_acknowledged_and_not(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """Success is acknowledged; an exception, a nack and a reject leave the message pending."""
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name))
    async def handle(body: str, message: RedisStreamMessage) -> None:
        seen(body)
        if body == "error":
            raise ValueError(body)
        if body == "nack":
            raise NackMessage
        if body == "by hand":
            await message.ack()

    async with running(broker):
        for body in ("fine", "error", "nack", "by hand"):
            await broker.publish(body, stream=name)
        await seen.count(4)
        await until(lambda: _is(pending(client, name), 2))
    found = await client.xpending_range(name, "g", "-", "+", 10)
    assert len(found) == 2


async def _is(work: Any, wanted: Any) -> bool:
    return bool(await work == wanted)


async def test_ack_with_a_client_of_ones_own(
    redis_url: str, client: Any, name: str, seen: Seen
) -> None:
    """The form of old: `message.ack(redis, group)`."""
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name), ack_policy=AckPolicy.MANUAL)
    async def handle(body: str, message: RedisStreamMessage) -> None:
        if body == "done":
            await message.ack(redis=client, group="g")
        seen(message.committed)

    async with running(broker):
        await broker.publish("done", stream=name)
        await broker.publish("kept", stream=name)
        assert [str(one and one.value) for one in await seen.count(2)] == ["ACKED", "None"]
        assert await pending(client, name) == 1


async def test_delete_and_count(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """A message can be deleted, and knows how often it was delivered."""
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name))
    async def handle(body: str, message: RedisStreamMessage) -> None:
        seen(await message.get_delivery_count())
        await message.delete()

    async with running(broker):
        await broker.publish("x", stream=name)
        assert await seen.count(1) == [1]
        await until(lambda: _is(client.xlen(name), 0))


async def test_batch(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """Up to `max_records` in one call, with one acknowledgement."""
    for number in range(5):
        await client.xadd(name, {"__data__": str(number)})
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name, batch=True, max_records=3, group_start="0"))
    async def handle(bodies: list[int]) -> None:
        seen(bodies)

    async with running(broker):
        assert await seen.count(2) == [[0, 1, 2], [3, 4]]
    assert await pending(client, name) == 0


async def test_no_ack(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """Handed out is done."""
    broker = broker_at(redis_url)
    with pytest.warns(RuntimeWarning, match="whatever comes of it"):

        @broker.subscriber(stream=group(name, no_ack=True))
        async def handle(body: str) -> None:
            seen(body)
            raise ValueError(body)

    async with running(broker):
        await broker.publish("x", stream=name)
        await seen.count(1)
        assert await pending(client, name) == 0


async def test_maxlen(redis_url: str, client: Any, name: str) -> None:
    """Of the publisher, of the call, of the response; the publisher's wins over the response's."""
    broker = broker_at(redis_url)
    publisher = broker.publisher(stream=StreamSub(name, maxlen=100))
    async with running(broker):
        for number in range(400):
            await publisher.publish(number)
        assert 100 <= await client.xlen(name) < 250
        for number in range(100):
            await publisher.publish(number, maxlen=10_000)
        assert await client.xlen(name) >= 200
        entry = await broker.publish("x", stream=name, maxlen=1)
    assert b"-" in entry


async def test_resumes_what_it_had(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """What a consumer got and did not acknowledge comes again when it starts, before new ones."""
    await client.xgroup_create(name, "g", mkstream=True)
    for number in range(150):
        await client.xadd(name, {"__data__": str(number)})
    read = await client.xreadgroup("g", "c", {name: ">"}, count=120)
    assert len(read[0][1] if isinstance(read, list) else read[name.encode()][0]) == 120
    gone = await client.xpending_range(name, "g", "-", "+", 1)
    await client.xdel(name, gone[0]["message_id"])  # pending, and not in the stream any more
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name))
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        assert await seen.count(149) == list(range(1, 150))
        await until(lambda: _is(pending(client, name), 0))


async def test_does_not_resume(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """`resume=False` leaves that alone."""
    await client.xgroup_create(name, "g", mkstream=True)
    await client.xadd(name, {"__data__": "old"})
    await client.xreadgroup("g", "c", {name: ">"})
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name, resume=False))
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        await broker.publish("new", stream=name)
        assert await seen.count(1) == ["new"]
    assert await pending(client, name) == 1


async def test_claims(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """`min_idle_time` takes only what waits too long, `claim_min_idle_time` new messages, too."""
    await client.xgroup_create(name, "g", mkstream=True)
    for number in range(3):
        await client.xadd(name, {"__data__": str(number)})
    await client.xreadgroup("g", "dead", {name: ">"})
    broker = broker_at(redis_url)
    counts = Seen()

    @broker.subscriber(stream=group(name, "claimer", min_idle_time=100))
    async def claim(body: int, message: RedisStreamMessage) -> None:
        counts(await message.get_delivery_count())
        seen(body)

    async with running(broker):
        assert await seen.count(3) == [0, 1, 2]
        await broker.publish(3, stream=name)
        await until(lambda: _is(pending(client, name), 0))
        assert counts.items == [2, 2, 2]
        assert seen.items == [0, 1, 2]


async def test_tries_again(redis_url: str, name: str, seen: Seen) -> None:
    """With `claim_min_idle_time` a message that failed comes again, between new ones."""
    broker = broker_at(redis_url)
    source = group(name, claim_min_idle_time=100, polling_interval=20)

    @broker.subscriber(stream=source, ack_policy=AckPolicy.NACK_ON_ERROR)
    async def handle(body: str, message: RedisStreamMessage) -> None:
        count = await message.get_delivery_count()
        seen((body, count))
        if body == "bad" and count < 3:
            raise ValueError(body)

    async with running(broker):
        await broker.publish("bad", stream=name)
        await broker.publish("good", stream=name)
        found = await seen.count(4)
    assert sorted(found) == [("bad", 1), ("bad", 2), ("bad", 3), ("good", 1)]


async def test_claims_not_what_it_has_in_hand(redis_url: str, name: str, seen: Seen) -> None:
    """A handler that takes longer than the idle time does not get its own message again."""
    broker = broker_at(redis_url)
    done = asyncio.Event()

    @broker.subscriber(stream=group(name, claim_min_idle_time=50), max_workers=3)
    async def handle(body: str) -> None:
        seen(body)
        if body == "slow":
            await done.wait()

    async with running(broker):
        await broker.publish("slow", stream=name)
        await seen.count(1)
        await asyncio.sleep(0.4)  # eight idle times
        await broker.publish("quick", stream=name)
        assert await seen.count(2) == ["slow", "quick"]
        done.set()


async def test_group_is_shared(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """Two consumers share the messages; a slow one does not hoard them."""
    broker = broker_at(redis_url)
    slow, stuck = Seen(), asyncio.Event()

    @broker.subscriber(stream=group(name, "quick"))
    async def quick(body: int) -> None:
        seen(body)

    @broker.subscriber(stream=group(name, "slow"))
    async def held(body: int) -> None:
        slow(body)
        await stuck.wait()

    async with running(broker):
        for number in range(50):
            await broker.publish(number, stream=name)
        await until(lambda: len(seen.items) + len(slow.items) == 50)
        stuck.set()
    assert len(slow.items) <= 1


@pytest.mark.parametrize("workers", [1, 4])
async def test_group_made_again(
    redis_url: str, client: Any, name: str, seen: Seen, workers: int
) -> None:
    """Destroyed in the middle of work, it goes on behind the last message handled: none is lost."""
    broker = broker_at(redis_url)
    hold = asyncio.Event()

    @broker.subscriber(stream=group(name), max_workers=workers)
    async def handle(body: int) -> None:
        seen(body)
        if body == 10:
            await hold.wait()

    async with running(broker):
        for number in range(20):
            await broker.publish(number, stream=name)
        await seen.count(11)
        await client.xgroup_destroy(name, "g")
        for number in range(20, 30):
            await broker.publish(number, stream=name)
        hold.set()
        await until(lambda: set(seen.items) == set(range(30)))
        await until(lambda: _is(pending(client, name), 0))
        assert all(subscriber.alive for subscriber in broker.subscribers)
    if workers == 1:
        assert sorted(seen.items) == list(range(30))
    assert seen.items.count(10) == 1


async def test_stream_made_again(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """A stream that was deleted, and one with ids from the beginning, are read."""
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name))
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        await broker.publish(1, stream=name)
        await seen.count(1)
        await client.delete(name)
        await until(lambda: client.exists(name))
        await client.delete(name)
        await client.xadd(name, {"__data__": "2"}, id="1-1")
        assert await seen.count(2) == [1, 2]


async def test_group_not_made_again(redis_url: str, client: Any, name: str, seen: Seen) -> None:
    """By policy it is not; the subscriber says so, and goes on when somebody else makes it."""
    lines: list[str] = []

    class Logger:
        def log(self, level: int, msg: Any, *_: Any, **__: Any) -> None:
            lines.append(str(msg))

    broker = broker_at(redis_url, logger=Logger())

    @broker.subscriber(stream=group(name, recreate=False, group_start="0"))
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        (subscriber,) = broker.subscribers
        await client.xgroup_destroy(name, "g")
        await until(lambda: not subscriber.alive)
        assert not await broker.ping(1.0)
        assert any(
            "StreamGroupNotFoundError" in line and "recreate=False" in line for line in lines
        )
        await client.xgroup_create(name, "g", id="$")
        await until(lambda: subscriber.alive)
        await broker.publish(7, stream=name)
        assert await seen.count(1) == [7]


async def test_no_stream(redis_url: str, name: str) -> None:
    """`declare=False` makes none, and the start says what to do."""
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name, declare=False))
    async def handle(body: int) -> None: ...

    with pytest.raises(Exception, match="there is no such stream: make it"):
        await broker.start()
    assert not broker.running


async def test_what_is_no_stream(redis_url: str, client: Any, name: str) -> None:
    """A name that holds something else is said, with the subscriber and what to do."""
    await client.set(name, "x")
    broker = broker_at(redis_url)

    @broker.subscriber(stream=group(name))
    async def handle(body: int) -> None: ...

    with pytest.raises(Exception, match=f"{name}.*WRONGTYPE.*is no stream: delete it"):
        await broker.start()


async def test_one_by_one(redis_url: str, client: Any, name: str) -> None:
    """`get_one` and iteration; what is read by a group can be acknowledged by hand."""
    broker = broker_at(redis_url)
    reader = broker.subscriber(stream=group(name))
    async with running(broker):
        assert await reader.get_one(timeout=0.2) is None
        await broker.publish("a", stream=name)
        await broker.publish("b", stream=name)
        message: Any = await reader.get_one(timeout=5.0)
        assert await message.decode() == "a"
        await message.ack()
        async for item in reader:
            assert await item.decode() == "b"
            break
        await until(lambda: _is(pending(client, name), 1))


def test_ids() -> None:
    """The one before."""
    assert before("5-3") == "5-2"
    assert before(b"5-0") == f"4-{2**64 - 1}"
    assert before("0-0") == "0-0"
