"""Copies of brokers in test mode, beside the live ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anystream.core.exceptions import FeatureNotSupportedException, IncorrectState
from anystream.core.isolation import find_test_mode, isolated
from anystream.memory import MemoryBroker, MemoryRouter
from anystream.memory.testing import TestMemoryBroker
from tests.recording_broker import RecordingBroker


def shop(got: list[Any]) -> MemoryBroker:
    """Routers in routers, a handler of two subscribers, a weakly kept subscriber."""
    broker, outer, inner = MemoryBroker(), MemoryRouter("a."), MemoryRouter("b.")

    @inner.subscriber("in")
    @broker.subscriber("also")
    @outer.publisher("out")
    async def handle(body: int) -> int:
        got.append(body)
        return body + 1

    @outer.subscriber("out")
    async def end(body: int) -> None:
        got.append(("out", body))

    outer.include_router(inner, prefix="p.")
    broker.include_router(outer)
    return broker


async def test_everything_declared_is_copied_once() -> None:
    """Addresses, prefixes, shared handlers and publishers are as in the original."""
    got: list[Any] = []
    broker = shop(got)
    passing = broker.subscriber("passing", persistent=False)
    passing(lambda body: got.append(("passing", body)))
    async with isolated([broker]) as copies:
        twin: Any = copies.of(broker)
        addresses = sorted(subscriber.full_address for subscriber in twin.subscribers)
        assert addresses == sorted(it.full_address for it in broker.subscribers)
        assert addresses == ["a.out", "a.p.b.in", "also", "passing"]
        assert not {id(it) for it in twin.subscribers} & {id(it) for it in broker.subscribers}
        assert not {id(it) for it in twin.publishers} & {id(it) for it in broker.publishers}
        for address in ("a.p.b.in", "also"):
            reply = await twin.request(1, address, timeout=3)
            assert await reply.decode() == 2
        await twin.publish(5, "passing")
    assert got == [1, ("out", 2), 1, ("out", 2), ("passing", 5)]
    assert not broker.connected


async def test_sending_through_the_original_reaches_the_copy() -> None:
    """In the block, in its tasks and in its threads; outside of it everything is as it was."""
    got: list[Any] = []
    broker = shop(got)
    await broker.start()
    try:
        async with isolated([broker]):
            task = asyncio.create_task(broker.publish(1, "also"))
            await task
            assert got == [1, ("out", 2)]
            await broker.publish(1, "a.out")
        assert got.pop() == ("out", 1)
        got.clear()
        reply: Any = await broker.request(7, "also", timeout=5)
        assert await reply.decode() == 8
        while len(got) < 2:
            await asyncio.sleep(0.01)
        assert sorted(map(str, got)) == ["('out', 8)", "7"]
    finally:
        await broker.stop()


async def test_outside_the_block_the_original_is_itself() -> None:
    """Another task that publishes meanwhile is not concerned."""
    broker = MemoryBroker()
    real: list[int] = []
    broker.subscriber("in")(lambda body: real.append(body))
    inside, done = asyncio.Event(), asyncio.Event()

    async def block() -> None:
        async with isolated([broker]):
            inside.set()
            await done.wait()

    await broker.start()
    task = asyncio.create_task(block())
    await inside.wait()
    await broker.publish(1, "in")
    while not real:
        await asyncio.sleep(0.01)
    done.set()
    await task
    await broker.stop()


async def test_publishers_of_other_brokers_are_copied_too() -> None:
    """A handler that publishes elsewhere publishes to a copy there; strangers are refused."""
    broker, other, stranger = MemoryBroker(), MemoryBroker(), MemoryBroker()
    got: list[Any] = []
    other.subscriber("out")(lambda body: got.append(body))

    @broker.subscriber("in")
    @other.publisher("out")
    async def handle(body: int) -> int:
        return body

    async with isolated([broker]) as copies:
        await broker.publish(1, "in")
        assert copies.of(copies.of(other)) is copies.of(other)
        with pytest.raises(IncorrectState, match="not part of what is tried out"):
            await stranger.publish(1, "in")
    assert len(got) == 1


async def test_a_broker_in_test_mode_already() -> None:
    """Test mode of the original and of its copy do not disturb each other."""
    got: list[Any] = []
    broker = shop(got)
    async with TestMemoryBroker(broker):
        async with isolated([broker]):
            await broker.publish(1, "also")
        handler = broker.subscribers[0].calls[0].call
        assert handler.recorder is not None
        assert handler.recorder.calls == []
        await broker.publish(2, "also")
        assert len(handler.recorder.calls) == 1


def test_kinds_without_a_find_test_mode() -> None:
    """A subclass has the test mode of its base; something else has none."""

    class Own(MemoryBroker):
        pass

    assert find_test_mode(Own()) is TestMemoryBroker
    with pytest.raises(FeatureNotSupportedException, match="no test mode"):
        find_test_mode(RecordingBroker())  # type: ignore[arg-type]
