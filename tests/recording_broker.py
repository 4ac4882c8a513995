"""Brokers and an application that do nothing but write down what was asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class BrokerDown(Exception):
    """What a broker that cannot start raises here."""


class RecordingBroker:
    """A broker of four methods; each call goes to `journal` as `"<name>.<method>"`.

    Args:
        name: how the broker is called in the journal.
        journal: the list to write to, shared by several brokers to see their order.
        fail: method name -> the exception it raises (after it was written down).
        hang: methods that never return; they can be cancelled.
        stubborn: methods that hang and ignore their first cancellation.
        alive: what `ping` answers while the broker is started.
    """

    def __init__(
        self,
        name: str = "broker",
        journal: list[str] | None = None,
        *,
        fail: dict[str, BaseException] | None = None,
        hang: tuple[str, ...] = (),
        stubborn: tuple[str, ...] = (),
        alive: bool = True,
    ) -> None:
        self.name = name
        self.journal: list[str] = [] if journal is None else journal
        self.fail = dict(fail or {})
        self.hang = set(hang)
        self.stubborn = set(stubborn)
        self.alive = alive
        self.started = False
        self.connected = False
        self.entered = asyncio.Event()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    async def connect(self) -> None:
        await self._called("connect")
        self.connected = True

    async def start(self) -> None:
        await self._called("start")
        self.connected = self.started = True

    async def stop(self) -> None:
        await self._called("stop")
        self.connected = self.started = False

    async def ping(self, timeout: float | None = None) -> bool:
        return self.alive and self.connected

    async def publish(self, message: object, subject: str = "") -> None:
        if not self.connected:
            raise BrokerDown(f"{self.name} is not connected")
        self.journal.append(f"{self.name}.publish {message}")

    async def _called(self, method: str) -> None:
        self.journal.append(f"{self.name}.{method}")
        self.entered.set()
        if method in self.fail:
            raise self.fail[method]
        if method in self.stubborn:
            await self._ignore_cancellation()
        if method in self.hang:
            await asyncio.get_running_loop().create_future()

    async def _ignore_cancellation(self) -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                self.journal.append(f"{self.name} ignores the cancellation")


class OtherBroker(RecordingBroker):
    """The same thing as another type, to be told apart by `kind=`."""


class RecordingStream:
    """A stand-in for the FastStream application: brokers, hooks, lifespan, all written down.

    Args:
        brokers: the brokers, in the order of their start.
        journal: the list to write to; the first broker's by default.
        fail: hook name, or "lifespan enter" / "lifespan exit" -> the exception raised there.
    """

    def __init__(
        self,
        *brokers: RecordingBroker,
        journal: list[str] | None = None,
        fail: dict[str, BaseException] | None = None,
    ) -> None:
        self.brokers: list[Any] = list(brokers)
        self.journal: list[str] = brokers[0].journal if journal is None else journal
        self.fail = dict(fail or {})
        self.extra: dict[str, Any] = {}

    def _note(self, name: str) -> None:
        self.journal.append(name)
        if name in self.fail:
            raise self.fail[name]

    async def run_hooks(self, name: str, **extra: Any) -> None:
        self.extra[name] = extra
        self._note(name)

    @asynccontextmanager
    async def lifespan_scope(self, **extra: Any) -> AsyncIterator[None]:
        self.extra["lifespan"] = extra
        self._note("lifespan enter")
        try:
            yield
        finally:
            self._note("lifespan exit")
