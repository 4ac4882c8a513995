"""Brokers and applications that write down what is done to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from anystream.conformance.journal import Journal
from anystream.conformance.plan import BrokerPlan
from anystream.core.app import HOOKS, FastStream

SLOW = 0.3
BROKER_DOWN = "the conformance broker is down"


class BrokerDown(Exception):
    """The error of a broker that was planned to fail."""


class HookFailed(Exception):
    """The error of a hook that was planned to fail."""


class RecordingBroker:
    """Start, stop, connect and ping, as planned, and each written into the journal."""

    def __init__(self, plan: BrokerPlan, journal: Journal) -> None:
        self.plan = plan
        self.name = plan.name
        self.running = False
        self._journal = journal

    async def connect(self) -> None:
        """Gets ready for publishing, without consuming."""
        self._write("broker.connect")
        self.running = True
        self._write("broker.connected")

    async def start(self) -> None:
        """Gets ready for publishing and consuming."""
        self._write("broker.start")
        await self._behave(self.plan.start, "start")
        self.running = True
        self._write("broker.started")

    async def stop(self, *_: Any) -> None:
        """Ends both."""
        self._write("broker.stop")
        self.running = False
        await self._behave(self.plan.stop, "stop")
        self._write("broker.stopped")

    async def ping(self, timeout: float | None = None) -> bool:
        """Answers as the flags `ping.no`, `ping.raise` and `ping.hang` say."""
        if self._journal.flag(f"{self.name}.ping.raise"):
            raise BrokerDown(BROKER_DOWN)
        if self._journal.flag(f"{self.name}.ping.hang"):
            await asyncio.sleep(3600)
        return self.running and not self._journal.flag(f"{self.name}.ping.no")

    async def publish(self, text: str) -> None:
        """Writes the text down; raises when the broker is not running."""
        if not self.running:
            self._write("broker.refused", text=text)
            raise BrokerDown(f"broker {self.name!r} is not running")
        self._write("broker.publish", text=text)

    async def _behave(self, how: str, verb: str) -> None:
        if how == "slow":
            await asyncio.sleep(SLOW)
        elif how == "hang":
            await asyncio.sleep(3600)
        elif how == "fail":
            raise BrokerDown(f"{BROKER_DOWN}: {self.name}.{verb}()")

    def _write(self, event: str, **details: Any) -> None:
        self._journal.write(event, broker=self.name, **details)


class OtherRecordingBroker(RecordingBroker):
    """A broker of another class, for hosts that choose a broker by type."""


def recording_application(brokers: Sequence[Any], journal: Journal, fails: str = "") -> FastStream:
    """A FastStream application whose hooks and lifespan are written into the journal."""

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        journal.write("stream.enter")
        try:
            yield
        finally:
            journal.write("stream.exit")

    def hook(name: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            journal.write(f"stream.{name}")
            if fails == name:
                raise HookFailed(f"the conformance hook {name} failed")

        return run

    app = FastStream(*brokers, lifespan=lifespan)
    for name in HOOKS:
        app.hooks[name].append(hook(name))
    return app


class ForeignStream:
    """An application of another library: it starts and stops its brokers by itself."""

    def __init__(self, brokers: Sequence[RecordingBroker], journal: Journal) -> None:
        self.brokers = list(brokers)
        self._journal = journal

    async def start(self, **extra: Any) -> None:
        """Starts its brokers."""
        self._journal.write("foreign.start")
        for broker in self.brokers:
            await broker.start()

    async def stop(self) -> None:
        """Stops its brokers."""
        for broker in reversed(self.brokers):
            await broker.stop()
        self._journal.write("foreign.stop")
