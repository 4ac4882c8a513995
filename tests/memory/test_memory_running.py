"""Start, drain, stop: what happens to messages while a broker comes and goes."""

import asyncio
import time
from typing import Annotated, Any

import pytest

from anystream.core import AckPolicy, Context, FastStream
from anystream.core.exceptions import (
    BindingError,
    IncorrectState,
    SetupError,
    StopApplication,
    StopConsume,
)
from anystream.memory import MemoryBroker
from tests.memory.test_memory_delivery import Box

pytestmark = pytest.mark.memory


async def test_stop_waits_for_what_was_taken() -> None:
    """Messages that were published before the stop are all handled."""
    broker, box = MemoryBroker(logger=None), Box()
    gate = asyncio.Event()

    @broker.subscriber("in")
    async def handler(body: int) -> None:
        await gate.wait()
        box.put(body)

    await broker.start()
    for number in range(5):
        await broker.publish(number, "in")
    stopping = asyncio.create_task(broker.stop())
    await asyncio.sleep(0)
    gate.set()
    await asyncio.wait_for(stopping, 5)
    assert box.items == [0, 1, 2, 3, 4]


async def test_a_hanging_handler_is_cancelled_and_not_acknowledged() -> None:
    """After `graceful_timeout` the handler is cancelled; nothing is told about its message."""
    broker, box = MemoryBroker(logger=None, graceful_timeout=0.1), Box()
    cancelled = asyncio.Event()

    @broker.subscriber("in", ack_policy=AckPolicy.ACK)
    async def handler(message: Annotated[Any, Context()]) -> None:
        box.put(message)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    await broker.start()
    await broker.publish(1, "in")
    (message,) = await box.wait(1)
    before = time.monotonic()
    await broker.stop()
    took = time.monotonic() - before
    assert cancelled.is_set()
    assert message.committed is None
    assert 0.09 <= took < 2


@pytest.mark.parametrize("timeout", [None, 0])
async def test_no_waiting(timeout: float | None) -> None:
    """`graceful_timeout` None or 0 cancels at once."""
    broker, box = MemoryBroker(logger=None, graceful_timeout=timeout), Box()

    @broker.subscriber("in")
    async def handler(body: int) -> None:
        box.put(body)
        await asyncio.Event().wait()

    await broker.start()
    await broker.publish(1, "in")
    await box.wait(1)
    await asyncio.wait_for(broker.stop(), 2)


async def test_a_handler_that_ignores_its_cancellation_cannot_hold_the_stop() -> None:
    """The stop is bounded whatever handlers do."""
    before = asyncio.all_tasks()
    broker, box = MemoryBroker(logger=None, graceful_timeout=0.05), Box()
    release = asyncio.Event()

    @broker.subscriber("in")
    async def handler(body: int) -> None:
        box.put(body)
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    await broker.start()
    await broker.publish(1, "in")
    await box.wait(1)
    await asyncio.wait_for(broker.stop(), 5)
    release.set()
    await asyncio.wait_for(asyncio.gather(*(asyncio.all_tasks() - before)), 5)


async def test_workers_run_at_the_same_time() -> None:
    """`max_workers=3`: three handlers at once, never more."""
    broker, box = MemoryBroker(logger=None), Box()
    gate = asyncio.Event()
    running = most = 0

    @broker.subscriber("in", max_workers=3)
    async def handler(body: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        box.put(body)
        await gate.wait()
        running -= 1

    await broker.start()
    for number in range(10):
        await broker.publish(number, "in")
    await box.wait(3)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(box.items) == 3
    gate.set()
    await broker.stop()
    assert sorted(box.items) == list(range(10))
    assert most == 3


async def test_workers_drain() -> None:
    """Messages in the queue of the workers are handled before the stop is over."""
    broker, box = MemoryBroker(logger=None), Box()

    @broker.subscriber("in", max_workers=4)
    async def handler(body: int) -> None:
        await asyncio.sleep(0.001)
        box.put(body)

    await broker.start()
    for number in range(50):
        await broker.publish(number, "in")
    await broker.stop()
    assert sorted(box.items) == list(range(50))


async def test_stop_consume() -> None:
    """The subscriber stops, others go on."""
    broker, box, other = MemoryBroker(logger=None), Box(), Box()
    subscriber = broker.subscriber("in")

    @subscriber
    async def handler(body: int) -> None:
        box.put(body)
        raise StopConsume

    broker.subscriber("in")(other.take)
    await broker.start()
    try:
        await broker.publish(1, "in")
        await box.wait(1)
        while subscriber.running:
            await asyncio.sleep(0)
        await broker.publish(2, "in")
        assert await other.wait(2) == [1, 2]
    finally:
        await broker.stop()
    assert box.items == [1]


@pytest.mark.parametrize("error", [StopApplication, SystemExit])
async def test_stop_application(error: type[BaseException]) -> None:
    """`run()` ends as after a signal."""
    broker = MemoryBroker(logger=None)
    app = FastStream(broker, logger=None)

    @broker.subscriber("in")
    async def handler() -> None:
        raise error

    @app.after_startup
    async def publish() -> None:
        await broker.publish(1, "in")

    await asyncio.wait_for(app.run(), 5)
    assert not broker.running


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("what", ["subscriber", "broker", "app"])
async def test_a_handler_stops_its_own_subscriber(what: str, workers: int) -> None:
    """Awaiting the stop inside a handler neither hangs nor waits for the time-out."""
    broker, box = MemoryBroker(logger=None, graceful_timeout=10), Box()
    subscriber = broker.subscriber("in", max_workers=workers)
    tasks = asyncio.all_tasks()
    owner = {"subscriber": subscriber, "broker": broker, "app": FastStream(broker, logger=None)}

    @subscriber
    async def handler(body: int) -> None:
        if body == 1:
            await owner[what].stop()
        box.put(body)

    await broker.start()
    before = time.monotonic()
    for number in range(1, 4):
        await broker.publish(number, "in")
    while 1 not in box.items:
        await asyncio.sleep(0)
    await broker.stop()
    assert time.monotonic() - before < 3
    while asyncio.all_tasks() != tasks:
        await asyncio.wait_for(asyncio.gather(*(asyncio.all_tasks() - tasks)), 5)


async def test_subscribers_that_come_and_go() -> None:
    """Declared, started, stopped and started again while the broker runs."""
    broker, box = MemoryBroker(logger=None), Box()
    await broker.start()
    try:
        subscriber = broker.subscriber("in")
        subscriber(box.take)
        await broker.publish("too early", "in")
        await subscriber.start()
        await broker.publish(1, "in")
        await box.wait(1)
        await subscriber.stop()
        await broker.publish("stopped", "in")
        async with subscriber:
            await broker.publish(2, "in")
            await box.wait(2)
        assert await broker.ping()
    finally:
        await broker.stop()
    assert box.items == [1, 2]


async def test_pause_and_resume() -> None:
    """A paused subscriber takes nothing, and goes on afterwards."""
    broker, box = MemoryBroker(logger=None), Box()
    subscriber = broker.subscriber("in")
    subscriber(box.take)
    await broker.start()
    try:
        await broker.publish(1, "in")
        await subscriber.pause()
        await box.wait(1)
        await broker.publish("missed", "in")
        await subscriber.resume()
        await broker.publish(2, "in")
        await box.wait(2)
    finally:
        await broker.stop()
    assert box.items == [1, 2]


async def test_a_first_handler_after_the_start() -> None:
    """A subscriber that was started without handlers says that it must be started again."""
    broker, box = MemoryBroker(logger=None), Box()
    subscriber = broker.subscriber("in")
    await broker.start()
    try:
        with pytest.raises(SetupError, match="start"):
            subscriber(box.take)
        await subscriber.stop()
        subscriber(box.take)
        await subscriber.start()
        await broker.publish(1, "in")
        await box.wait(1)
    finally:
        await broker.stop()


async def test_more_handlers_while_running() -> None:
    """A second handler is part of the subscriber at once."""
    broker, box = MemoryBroker(logger=None), Box()
    subscriber = broker.subscriber("in")
    subscriber(box.take, filter=lambda message: message.headers.get("kind") == "old")
    await broker.start()
    try:

        @subscriber
        async def rest(body: int) -> None:
            box.put(-body)

        await broker.publish(1, "in", headers={"kind": "old"})
        await broker.publish(2, "in")
        assert await box.wait(2) == [1, -2]
    finally:
        await broker.stop()


async def test_get_one() -> None:
    """One message without a handler; None when there is none in time."""
    broker = MemoryBroker(logger=None)
    subscriber = broker.subscriber("in.{user}")
    await broker.start()
    try:
        assert await subscriber.get_one(timeout=0.01) is None
        await broker.publish({"a": 1}, "in.john")
        message = await subscriber.get_one()
        assert message is not None
        assert await message.decode() == {"a": 1}
        assert message.path == {"user": "john"}
        assert message.committed is None
    finally:
        await broker.stop()


async def test_iteration() -> None:
    """`async for` yields messages for ever."""
    broker = MemoryBroker(logger=None)
    subscriber = broker.subscriber("in")
    got: list[Any] = []
    ready = asyncio.Event()

    async def read() -> None:
        ready.set()
        async for message in subscriber:
            got.append(await message.decode())
            if len(got) == 3:
                return

    await broker.start()
    try:
        reading = asyncio.create_task(read())
        await ready.wait()
        for number in range(3):
            await asyncio.sleep(0)
            await broker.publish(number, "in")
        await asyncio.wait_for(reading, 5)
    finally:
        await broker.stop()
    assert got == [0, 1, 2]


async def test_reading_has_middlewares() -> None:
    """`get_one` passes the consume hooks."""
    from anystream.core import BaseMiddleware

    seen: list[Any] = []

    class Noting(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            seen.append(await msg.decode())
            return await call_next(msg)

    broker = MemoryBroker(logger=None, middlewares=[Noting])
    subscriber = broker.subscriber("in")
    await broker.start()
    try:
        waiting = asyncio.create_task(subscriber.get_one())
        await asyncio.sleep(0)
        await broker.publish(1, "in")
        message = await waiting
        assert message is not None
        assert await message.decode() == 1
    finally:
        await broker.stop()
    assert seen == [1]


async def test_reading_in_the_wrong_state() -> None:
    """With handlers, or before the start: the error says why."""
    broker = MemoryBroker(logger=None)
    reader, handled = broker.subscriber("a"), broker.subscriber("b")
    handled(print)
    with pytest.raises(IncorrectState, match="not started"):
        await reader.get_one()
    async with broker:
        await broker.start()
        with pytest.raises(IncorrectState, match=r"has handlers.*print"):
            await handled.get_one()
    with pytest.raises(IncorrectState, match=r"MemoryBroker.*not connected"):
        await reader.start()


def test_one_broker_in_several_event_loops() -> None:
    """The same objects work in one loop after the other."""
    broker = MemoryBroker(logger=None)
    app = FastStream(broker, logger=None)
    got: list[int] = []

    @broker.subscriber("in", max_workers=2)
    async def handler(body: int) -> int:
        got.append(body)
        return body + 1

    async def once(number: int) -> None:
        await app.start()
        assert await broker.ping()
        assert await (await broker.request(number, "in", timeout=5)).decode() == number + 1
        await app.stop()
        assert not await broker.ping()

    for number in range(3):
        asyncio.run(once(number))
    assert got == [0, 1, 2]


async def test_a_start_that_fails_is_undone() -> None:
    """The subscribers that were started are stopped, the connection is closed."""
    broker = MemoryBroker(logger=None)
    good, bad = broker.subscriber("good"), broker.subscriber("bad")
    good(print)

    @bad
    async def twice(body: Annotated[int, Context()] = Context()) -> None: ...

    for _ in range(2):
        with pytest.raises(BindingError, match="twice"):
            await broker.start()
        assert not good.running
        assert not broker.connected
        assert not broker.running
        assert not await broker.ping()
    await broker.stop()


async def test_start_and_stop_in_any_number() -> None:
    """Both may be called twice, and stop before the start."""
    broker, box = MemoryBroker(logger=None), Box()
    broker.subscriber("in")(box.take)
    await broker.stop()
    await broker.start()
    await broker.start()
    await broker.publish(1, "in")
    await box.wait(1)
    await broker.stop()
    await broker.stop()
    await asyncio.gather(broker.start(), broker.start())
    await broker.publish(2, "in")
    await box.wait(2)
    await broker.stop()
    assert box.items == [1, 2]


async def test_async_with_connects_only() -> None:
    """Entering a broker does not start its subscribers."""
    broker, box = MemoryBroker(logger=None), Box()
    broker.subscriber("in")(box.take)
    async with broker as entered:
        assert entered is broker
        assert not broker.running
        await broker.publish(1, "in")
        assert await broker.ping()
    assert box.items == []


async def test_no_task_is_left() -> None:
    """After the stop nothing of the broker runs any more."""
    before = asyncio.all_tasks()
    broker, box = MemoryBroker(logger=None), Box()
    broker.subscriber("in", max_workers=5)(box.take)
    broker.subscriber("in")(box.take)
    await broker.start()
    await broker.publish(1, "in")
    await box.wait(2)
    await broker.stop()
    assert asyncio.all_tasks() == before


async def test_stop_waits_for_a_stop_that_is_going_on() -> None:
    """A broker is stopped when all handlers are through, also those of a subscriber that has
    stopped itself."""
    broker = MemoryBroker(logger=None)
    slow, going_on, ended = asyncio.Event(), asyncio.Event(), []

    @broker.subscriber("work", max_workers=2)
    async def work(body: str) -> None:
        if body == "stop":
            raise StopConsume
        going_on.set()
        await slow.wait()
        ended.append(body)

    await broker.start()
    await broker.publish("slow", "work")
    await going_on.wait()
    await broker.publish("stop", "work")
    (subscriber,) = broker.subscribers
    while not subscriber.is_stopping:
        await asyncio.sleep(0)
    stopping = asyncio.ensure_future(broker.stop())
    done, _ = await asyncio.wait({stopping}, timeout=0.2)
    assert not done
    slow.set()
    await stopping
    assert ended == ["slow"]
