"""While it runs: dynamic subscribers, reading one by one, start and stop, errors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from anystream.core import BaseMiddleware, Context, FastStream
from anystream.core.exceptions import (
    IncorrectState,
    OptionError,
    SetupError,
    StopApplication,
    StopConsume,
)
from tests.brokers.harness import Can
from tests.brokers.rig import Rig
from tests.waiting import Seen

needs = pytest.mark.needs
every_kind = pytest.mark.kinds("every")
Message = Annotated[Any, Context("message")]


class Item(BaseModel):
    number: int


# --- dynamic subscribers


@every_kind
async def test_a_subscriber_added_while_running(rig: Rig) -> None:
    """Declared, started, and it receives."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    async with rig.running(broker):
        subscriber = rig.subscribe(broker, address)

        @subscriber
        async def handle(body: str) -> None:
            seen(body)

        await subscriber.start()
        await rig.publish(broker, "x", address)
        assert await seen.one() == "x"


async def test_a_subscriber_stopped_and_removed(rig: Rig) -> None:
    """It receives no more, and the broker forgets it."""
    broker, address, other, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    @subscriber
    async def handle(body: str) -> None:
        seen(body)

    @rig.subscribe(broker, other)
    async def rest(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "first", address)
        await seen.count(1)
        await subscriber.stop()
        assert not subscriber.running
        broker.remove_subscriber(subscriber)
        assert subscriber not in broker.subscribers
        await rig.publish_anyway(broker, "nobody", address)
        await rig.publish(broker, "rest", other)
        await seen.count(2)
        await rig.nothing_more()
    assert seen.items == ["first", "rest"]


@every_kind
@needs(Can.PAUSE)
async def test_pause_and_resume(rig: Rig) -> None:
    """A paused subscriber takes nothing; after `resume` it receives again."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    @subscriber
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "first", address)
        await seen.count(1)
        await subscriber.pause()
        await rig.publish_anyway(broker, "meanwhile", address)
        await rig.nothing_more()
        assert seen.items == ["first"]
        await subscriber.resume()
        await rig.publish(broker, "last", address)
        expected = ["first", *(["meanwhile"] if rig.can(Can.KEEP) else []), "last"]
        assert await seen.count(len(expected)) == expected


@needs(Can.PAUSE)
async def test_a_subscriber_stopped_and_started_again(rig: Rig) -> None:
    """A single subscriber can be restarted while the broker runs."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    @subscriber
    async def handle(body: str) -> None:
        if body not in seen.items:  # from the beginning means from the beginning
            seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "first", address)
        await seen.count(1)
        await subscriber.stop()
        await subscriber.start()
        assert subscriber.alive
        await rig.publish(broker, "second", address)
        assert await seen.count(2) == ["first", "second"]


async def test_a_handler_added_while_running(rig: Rig) -> None:
    """Another handler of a running subscriber counts from the next message on."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    @subscriber(filter=lambda message: message.body == b"old")
    async def old(body: str) -> None:
        seen(("old", body))

    async with rig.running(broker):
        await rig.publish(broker, "old", address)
        await seen.count(1)

        @subscriber
        async def new(body: str) -> None:
            seen(("new", body))

        await rig.publish(broker, "new", address)
        assert await seen.count(2) == [("old", "old"), ("new", "new")]


async def test_stop_consume(rig: Rig) -> None:
    """`StopConsume` ends the subscriber, not the broker."""
    broker, address, other, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    @subscriber
    async def handle(body: str) -> None:
        seen(body)
        raise StopConsume

    @rig.subscribe(broker, other)
    async def rest(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "last", address, fails=StopConsume)
        await seen.count(1)
        while rig.on_server and subscriber.running:
            await rig.tick()
        await rig.publish(broker, "rest", other)
        assert await seen.count(2) == ["last", "rest"]


@every_kind
@needs(Can.BACKGROUND)
async def test_stop_consume_with_messages_waiting(rig: Rig) -> None:
    """What was taken and not begun is not handled any more (a list has forgotten the next one)."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber, published = rig.subscribe(broker, address), asyncio.Event()

    @subscriber
    async def handle(body: str) -> None:
        await published.wait()
        seen(body)
        if body == "1":
            raise StopConsume

    async with rig.running(broker):
        for number in range(8):
            await rig.publish(broker, str(number), address)
        published.set()
        await seen.count(2)
        while subscriber.running or subscriber.is_stopping:
            await rig.tick()
    assert seen.items in (["0", "1"], ["0", "1", "2"])


@needs(Can.BACKGROUND)
async def test_stop_application(rig: Rig) -> None:
    """`StopApplication` ends the application that runs the broker."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    app = FastStream(broker, logger=None)

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)
        raise StopApplication

    @app.after_startup
    async def begin() -> None:
        await rig.publish(broker, "x", address)

    await asyncio.wait_for(app.run(sleep_time=0.01), rig.patience)
    assert seen.items == ["x"]
    assert not broker.running


# --- reading one by one


@every_kind
@needs(Can.READ)
async def test_get_one(rig: Rig) -> None:
    """A subscriber without a handler hands out messages when it is asked."""
    broker, address = rig.broker(), rig.address()
    subscriber = rig.subscribe(broker, address)
    async with rig.running(broker):
        asking = asyncio.ensure_future(subscriber.get_one(timeout=rig.patience))
        await rig.reading(subscriber)
        await rig.publish(broker, {"a": 1}, address, correlation_id="c")
        message = await asking
        assert message is not None
        assert await message.decode() == {"a": 1}
        assert message.correlation_id == "c"
        await message.ack()


@every_kind
@needs(Can.READ)
async def test_get_one_without_a_message(rig: Rig) -> None:
    """None when the time is over."""
    broker = rig.broker()
    subscriber = rig.subscribe(broker, rig.address())
    async with rig.running(broker):
        assert await subscriber.get_one(timeout=0.1) is None


@every_kind
@needs(Can.READ)
async def test_iteration(rig: Rig) -> None:
    """`async for` goes on for ever."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    async def read() -> None:
        async for message in subscriber:
            seen(await message.decode())
            await message.ack()

    async with rig.running(broker):
        reading = asyncio.ensure_future(read())
        await rig.reading(subscriber)
        for number in range(5):
            await rig.publish(broker, number, address)
        assert await seen.count(5) == list(range(5))
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading


@needs(Can.READ)
async def test_middlewares_around_get_one(rig: Rig) -> None:
    """Consume middlewares, decoders and parsers count there, too."""

    class Changing(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            msg.body += b"!"
            return await call_next(msg)

    broker, address = rig.broker(middlewares=[Changing]), rig.address()
    subscriber = rig.subscribe(broker, address, decoder=lambda message: message.body.upper())
    async with rig.running(broker):
        asking = asyncio.ensure_future(subscriber.get_one(timeout=rig.patience))
        await rig.reading(subscriber)
        await rig.publish(broker, "x", address)
        message = await asking
        assert message is not None
        assert await message.decode() == b"X!"


@needs(Can.READ)
async def test_get_one_that_cannot_work(rig: Rig) -> None:
    """With handlers, or before the start: the error says what to do."""
    broker, address = rig.broker(), rig.address()
    with pytest.raises(IncorrectState, match="start"):
        await rig.subscribe(broker, address).get_one(timeout=0.1)
    busy = rig.subscribe(broker, address)

    @busy
    async def handle(body: str) -> None: ...

    async with rig.running(broker):
        with pytest.raises(IncorrectState, match="handlers"):
            await busy.get_one(timeout=0.1)


# --- start and stop


async def test_started_twice(rig: Rig) -> None:
    """The second start does nothing: one delivery."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await broker.start()
        await rig.publish(broker, "x", address)
        await seen.count(1)
        await rig.nothing_more()
    assert seen.items == ["x"]


async def test_stopped_twice_and_before_the_start(rig: Rig) -> None:
    """`stop()` is safe in any state."""
    broker = rig.broker()
    await broker.stop()
    async with rig.running(broker):
        pass
    await broker.stop()
    await broker.stop()
    assert not await broker.ping(timeout=0.5)


async def test_started_again(rig: Rig) -> None:
    """A broker that was stopped can be started again."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: int) -> None:
        if body not in seen.items:
            seen(body)

    for number in range(2):
        async with rig.running(broker):
            await rig.publish(broker, number, address)
            await seen.count(number + 1)
    assert seen.items == [0, 1]


def test_started_on_another_loop(rig: Rig) -> None:
    """A broker may live through several event loops, one after the other."""
    broker, address = rig.broker(), rig.address()
    handled: list[int] = []
    current: list[Seen] = []

    @rig.subscribe(broker, address)
    async def handle(body: int) -> None:
        handled.append(body)
        current[-1](body)

    async def live(number: int) -> None:
        current.append(rig.seen())
        async with rig.running(broker):
            await rig.publish(broker, number, address)
            while number not in handled:
                await rig.tick()

    for number in range(2):
        asyncio.run(live(number))
    assert set(handled) == {0, 1}


async def test_test_mode_and_the_server_in_turn(rig: Rig) -> None:
    """A test broker leaves its broker as it was."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.harness.test_class(broker):
        await rig.publish(broker, "memory", address)
    assert seen.items == ["memory"]
    async with rig.running(broker):
        await rig.publish(broker, "again", address)
        assert await seen.count(2) == ["memory", "again"]
    with contextlib.suppress(ValueError):
        async with rig.harness.test_class(broker):
            raise ValueError("left with an error")
    assert not broker.testing


@every_kind
@needs(Can.DRAIN)
async def test_stop_waits_for_the_handler(rig: Rig) -> None:
    """What is in flight is finished."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    done = rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)
        await asyncio.sleep(0.05)
        done(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        await seen.count(1)
    assert done.items == ["x"]


@every_kind
@needs(Can.DRAIN)
async def test_stop_is_bounded(rig: Rig) -> None:
    """A handler that hangs is cancelled after `graceful_timeout`."""
    broker, address, seen = rig.broker(graceful_timeout=0.1), rig.address(), rig.seen()
    ended = rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)
        try:
            await asyncio.Event().wait()
        finally:
            ended("cancelled")

    loop = asyncio.get_running_loop()
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        await seen.count(1)
        began = loop.time()
    assert loop.time() - began < 5
    assert ended.items == ["cancelled"]


@needs(Can.DRAIN)
async def test_nothing_is_left_running(rig: Rig) -> None:
    """After the stop there is no task that was not there before the start."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    before = asyncio.all_tasks()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        await seen.count(1)
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - before
    assert not left


async def test_ping_and_alive(rig: Rig) -> None:
    """True while it runs, False before and after."""
    broker, address = rig.broker(), rig.address()
    subscriber = rig.subscribe(broker, address)

    @subscriber
    async def handle(body: str) -> None: ...

    assert not await broker.ping(timeout=0.5)
    assert not subscriber.alive
    async with rig.running(broker):
        assert await broker.ping(timeout=5.0)
        assert subscriber.alive
    assert not await broker.ping(timeout=0.5)
    assert not subscriber.alive


async def test_a_handler_that_cannot_be_bound(rig: Rig) -> None:
    """The start fails, names the handler, and leaves nothing running."""
    broker, address = rig.broker(), rig.address()

    @rig.subscribe(broker, address)
    async def impossible(body: NotThere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(SetupError, match="impossible"):
        async with rig.running(broker):
            pass
    assert not broker.running


# --- errors of messages


@every_kind
async def test_a_body_of_the_wrong_type(rig: Rig) -> None:
    """A message that cannot be validated does not stop the next one."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(item: Item) -> None:
        seen(item.number)

    async with rig.running(broker):
        await rig.publish(broker, {"number": "no number"}, address, fails=ValidationError)
        await rig.publish(broker, {"number": 5}, address)
        assert await seen.one() == 5
    assert seen.items == [5]


@needs(Can.FOREIGN)
async def test_a_foreign_body_that_is_no_json(rig: Rig) -> None:
    """Nor does one that is not what it says it is."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(item: Item) -> None:
        seen(item.number)

    async with rig.running(broker):
        await rig.harness.send_foreign(b"{broken", address, rig.kind, {})
        await rig.publish(broker, {"number": 5}, address)
        assert await seen.one() == 5


@every_kind
async def test_an_error_in_a_handler(rig: Rig) -> None:
    """It is logged with the message's data, and the next message is handled."""
    records: list[tuple[int, str]] = []

    class Logger:
        def log(self, level: int, msg: Any, *_: Any, **options: Any) -> None:
            records.append((level, str(msg)))

    broker, address, seen = rig.broker(logger=Logger()), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        if body == "bad":
            raise ValueError("on purpose")
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "bad", address, fails=ValueError)
        await rig.publish(broker, "good", address)
        assert await seen.one() == "good"
    assert (logging.ERROR, "ValueError: on purpose") in records


async def test_missing_fields(rig: Rig) -> None:
    """A body without a field that the handler needs is an error of that message."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(name: str, number: int) -> None:
        seen((name, number))

    async with rig.running(broker):
        await rig.publish(broker, {"name": "a"}, address, fails=ValidationError)
        await rig.publish(broker, {"name": "a", "number": 1}, address)
        assert await seen.one() == ("a", 1)


async def test_a_failing_publisher(rig: Rig) -> None:
    """A result that cannot be encoded is an error of the message; the next one is handled."""
    from anystream.core.exceptions import PublishError

    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: str) -> Any:
        return object() if body == "bad" else body

    @rig.subscribe(broker, out)
    async def after(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "bad", address, fails=PublishError)
        await rig.publish(broker, "good", address)
        assert await seen.one() == "good"


# --- options


async def test_unknown_options(rig: Rig) -> None:
    """Of the broker, of subscribers and of publishers: the nearest right name is suggested."""
    with pytest.raises(OptionError, match="graceful_timeout"):
        rig.broker(gracefull_timeout=1)
    broker = rig.broker()
    with pytest.raises(OptionError, match="no_reply"):
        rig.subscribe(broker, rig.address(), no_replay=True)
    with pytest.raises(OptionError, match="description"):
        rig.publisher(broker, rig.address(), descripton="x")
    with pytest.raises(TypeError, match="ack_policy"):
        rig.subscribe(broker, rig.address(), ack_polici="x")


@pytest.mark.parametrize("workers", [0, -1, "2", 1.5])
async def test_impossible_workers(rig: Rig, workers: Any) -> None:
    """`max_workers` is a number from 1."""
    with pytest.raises(SetupError, match="max_workers"):
        rig.subscribe(rig.broker(), rig.address(), max_workers=workers)


async def test_a_handler_that_is_none(rig: Rig) -> None:
    """Only functions can be handlers."""
    with pytest.raises(SetupError, match="function"):
        rig.subscribe(rig.broker(), rig.address())(5)


@needs(Can.SERVER)
async def test_the_server_is_not_there(rig: Rig) -> None:
    """The start fails with our own error, which names the address; nothing is left running."""
    from anystream.core.exceptions import BrokerConnectionError

    away = rig.harness.broker_nowhere(logger=None)
    with pytest.raises(BrokerConnectionError, match=r"127\.0\.0\.1"):
        await asyncio.wait_for(away.start(), 30)
    assert not away.running
    assert not await away.ping(timeout=0.5)
    await away.stop()
