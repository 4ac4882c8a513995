"""What tests of running brokers wait with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest


class Seen:
    """What handlers saw, to be awaited.

    Args:
        patience: seconds to wait at most.
    """

    def __init__(self, patience: float = 10.0) -> None:
        self.items: list[Any] = []
        self.patience = patience
        self._new = asyncio.Event()

    def __call__(self, item: Any) -> None:
        self.items.append(item)
        self._new.set()

    async def count(self, wanted: int, timeout: float | None = None) -> list[Any]:
        """Waits until there are so many; fails when that takes too long."""
        limit = self.patience if timeout is None else timeout
        try:
            await asyncio.wait_for(self.enough(wanted), limit)
        except asyncio.TimeoutError:
            pytest.fail(f"{len(self.items)} of {wanted} within {limit} s: {self.items!r}")
        return self.items

    async def one(self) -> Any:
        """The first thing, when there is one."""
        return (await self.count(1))[0]

    async def enough(self, wanted: int) -> None:
        """Waits until there are so many, for ever."""
        while len(self.items) < wanted:
            self._new.clear()
            await self._new.wait()


@asynccontextmanager
async def running(*brokers: Any) -> AsyncIterator[Any]:
    """Started brokers."""
    try:
        for each in brokers:
            await each.start()
        yield brokers[0]
    finally:
        for each in brokers:
            await each.stop()


async def until(condition: Callable[[], Any], timeout: float = 10.0) -> None:
    """Waits for something that no event tells of; the condition may be a coroutine function."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if await found if asyncio.iscoroutine(found) else found:
            return
        assert time.monotonic() < deadline, f"it did not become true within {timeout} s"
        await asyncio.sleep(0.02)
