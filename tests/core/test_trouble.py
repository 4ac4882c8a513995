"""When the server, a message or a hook misbehaves: the broker says so and goes on."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from anystream.core.exceptions import IncorrectState
from anystream.core.transport import Deliver
from anystream.memory import Bus, MemoryBroker
from anystream.memory.transport import MemoryFeed, MemoryTransport


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.came = asyncio.Event()

    def log(self, level: int, text: str, **_: Any) -> None:
        self.lines.append((level, text))
        self.came.set()

    def having(self, part: str) -> list[int]:
        """The levels of the lines with this text."""
        return [level for level, text in self.lines if part in text]

    async def wait_for(self, part: str) -> None:
        """Waits for a line."""
        while not self.having(part):
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), 5)


class Troubled(MemoryTransport):
    """A transport with faults to switch on."""

    def __init__(self) -> None:
        super().__init__(Bus())
        self.connect_hangs = False
        self.open_fails = ""
        self.close_fails = False
        self.fetch_fails = 0
        self.closed = 0
        self.asked = asyncio.Event()

    async def connect(self) -> Bus:
        self.asked.set()
        if self.connect_hangs:
            await asyncio.Event().wait()
        return await super().connect()

    async def close(self) -> None:
        self.closed += 1
        await super().close()
        if self.close_fails:
            raise ConnectionError("cannot close")

    def feed(self, subscriber: Any, deliver: Deliver) -> MemoryFeed:
        return TroubledFeed(self, subscriber)


class TroubledFeed(MemoryFeed):
    def __init__(self, transport: Troubled, subscriber: Any) -> None:
        super().__init__(transport.bus, transport._box(subscriber), batch=False)
        self.transport = transport
        self.subject = subscriber.address

    async def open(self) -> None:
        if self.subject == self.transport.open_fails:
            raise ConnectionError("cannot subscribe")
        await super().open()

    async def fetch(self) -> Sequence[Any]:
        if self.transport.fetch_fails:
            self.transport.fetch_fails -= 1
            raise ConnectionError("connection lost")
        return await super().fetch()


def troubled(*subjects: str) -> tuple[MemoryBroker, Troubled, list[Any], Lines]:
    """A broker on such a transport with one handler for each subject."""
    lines, got = Lines(), []  # type: ignore[var-annotated]
    broker = MemoryBroker(logger=lines)
    transport = broker.transport = Troubled()
    for subject in subjects:

        @broker.subscriber(subject)
        async def handler(body: int) -> None:
            got.append(body)

    return broker, transport, got, lines


async def test_a_feed_that_cannot_be_opened() -> None:
    """The error comes out of the start; what was started is stopped, the connection closed."""
    broker, transport, got, _ = troubled("a", "b")
    transport.open_fails = "b"
    with pytest.raises(ConnectionError, match="cannot subscribe"):
        await broker.start()
    assert transport.closed == 1
    assert not any(sub.running for sub in broker.subscribers)
    assert not broker.connected
    transport.open_fails = ""
    await broker.start()
    await broker.publish(1, "a")
    await broker.stop()
    assert got == [1]


async def test_a_feed_that_fails_for_a_while() -> None:
    """It is tried again, visible in the ping and in the log, and works afterwards."""
    broker, transport, got, lines = troubled("in")
    await broker.start()
    assert await broker.ping()
    transport.fetch_fails = 2
    await broker.publish(1, "in")
    await broker.publish(2, "in")
    await lines.wait_for("cannot receive")
    assert not await broker.ping()
    assert lines.having("cannot receive") == [40]
    await broker.publish(3, "in")
    await lines.wait_for("receives again")
    assert await broker.ping()
    await broker.stop()
    assert got == [1, 2, 3]
    assert lines.having("cannot receive") == [40]


async def test_stop_while_the_feed_fails() -> None:
    """The stop is bounded even in the middle of a back-off."""
    broker, transport, _, lines = troubled("in")
    broker.graceful_timeout = 0.05
    await broker.start()
    transport.fetch_fails = 1000
    await broker.publish(1, "in")
    await lines.wait_for("cannot receive")
    await asyncio.wait_for(broker.stop(), 3)


async def test_stop_while_connecting() -> None:
    """A connection that hangs can be given up; whoever waits for it is told."""
    broker, transport, _, _ = troubled("in")
    transport.connect_hangs = True
    starting = asyncio.create_task(broker.start())
    await transport.asked.wait()
    await asyncio.wait_for(broker.stop(), 3)
    with pytest.raises(IncorrectState, match=r"MemoryBroker.*was stopped while it connected"):
        await starting
    transport.connect_hangs = False
    await broker.start()
    assert await broker.ping()
    await broker.stop()


async def test_a_close_that_fails() -> None:
    """It is logged; the stop is complete nevertheless."""
    broker, transport, _, lines = troubled("in")
    transport.close_fails = True
    await broker.start()
    await broker.stop()
    assert lines.having("did not stop cleanly") == [40]
    assert not broker.running


@pytest.mark.parametrize(
    ("data", "content_type"),
    [(b"no number", "text/plain"), (b"{broken", "application/json"), (b'{"a": 1}', None)],
)
async def test_messages_that_cannot_be_understood(data: bytes, content_type: str | None) -> None:
    """They are reported with their place and rejected; the next message is handled."""
    broker, _, got, lines = troubled("in")
    await broker.start()
    headers = {"content-type": content_type} if content_type else None
    await broker.publish(data, "in", headers=headers)
    await broker.publish(7, "in")
    await broker.stop()
    assert got == [7]
    assert len([level for level, _ in lines.lines if level == 40]) == 1


async def test_a_handler_that_lets_a_cancellation_of_its_own_out() -> None:
    """A task that the handler cancelled itself does not end the intake."""
    lines = Lines()
    broker = MemoryBroker(logger=lines)
    got: list[int] = []

    @broker.subscriber("in")
    async def handler(body: int) -> None:
        got.append(body)
        if body == 1:
            task = asyncio.create_task(asyncio.sleep(10))
            task.cancel()
            await task

    await broker.start()
    await broker.publish(1, "in")
    await broker.publish(2, "in")
    await broker.stop()
    assert got == [1, 2]


async def test_a_logger_that_fails() -> None:
    """A broken logger does not take messages with it."""

    class Broken:
        def log(self, level: int, text: str, **_: Any) -> None:
            if "Processed" in text:
                raise OSError("disk full")

    broker = MemoryBroker(logger=Broken())
    got: list[int] = []

    @broker.subscriber("in")
    async def handler(body: int) -> None:
        got.append(body)

    await broker.start()
    await broker.publish(1, "in")
    await broker.publish(2, "in")
    await broker.stop()
    assert got == [1, 2]


async def test_a_publisher_that_is_added_while_running() -> None:
    """Its results go out from then on."""
    broker, handled = MemoryBroker(logger=None), asyncio.Event()
    got: list[Any] = []

    @broker.subscriber("in")
    async def handler(body: int) -> int:
        handled.set()
        return body

    @broker.subscriber("out")
    async def out(body: int) -> None:
        got.append(body)

    await broker.start()
    await broker.publish(1, "in")
    await asyncio.wait_for(handled.wait(), 5)
    broker.publisher("out")(handler)
    await broker.publish(2, "in")
    await broker.subscribers[0].stop()
    await broker.stop()
    assert got == [2]
