"""Publishes numbers, each again and again until it is confirmed, and writes down what it took."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from anystream.core.exceptions import FastStreamException
from tests.faults.harness import FaultHarness

TRY_AGAIN_AFTER = 0.2
HANGS_AFTER = 20.0  # a single attempt
GIVE_UP_AFTER = 25.0


class Publishing:
    """A broker that only publishes.

    Args:
        made: the harness.
        url: the server.
        address: where to.
        **options: of the broker.
    """

    def __init__(self, made: FaultHarness, url: str, address: str, **options: Any) -> None:
        self.made = made
        self.address = address
        self.broker: Any = made.broker(url, None, **options)
        self.confirmed: dict[int, float] = {}
        self.began: dict[int, float] = {}
        self.errors: Counter[str] = Counter()
        self.strange: list[str] = []
        self.slowest = 0.0

    async def send(self, number: int) -> None:
        """Publishes one number until it is confirmed, or for long enough."""
        deadline = time.monotonic() + GIVE_UP_AFTER
        while number not in self.confirmed and time.monotonic() < deadline:
            began = time.monotonic()
            try:
                await asyncio.wait_for(
                    self.made.publish(self.broker, self.address, number), HANGS_AFTER
                )
                self.confirmed[number] = time.monotonic()
                self.began[number] = began
            except Exception as error:
                self._note(error)
                await asyncio.sleep(TRY_AGAIN_AFTER)
            finally:
                self.slowest = max(self.slowest, time.monotonic() - began)

    def _note(self, error: Exception) -> None:
        self.errors[type(error).__name__] += 1
        if not isinstance(error, (FastStreamException, TimeoutError, asyncio.TimeoutError)):
            self.strange.append(repr(error))

    async def try_once(self) -> dict[str, Any]:
        """Publishes once into an outage and stops; says how that went and how long it took."""
        began = time.monotonic()
        try:
            await asyncio.wait_for(self.made.publish(self.broker, self.address, 0), HANGS_AFTER)
            outcome = "kept"
        except Exception as error:
            outcome = type(error).__name__
            self._note(error)
        middle = time.monotonic()
        await self.broker.stop()
        took = {"publish_took": middle - began, "publisher_stop_took": time.monotonic() - middle}
        return {"outcome": outcome, "strange": self.strange, **took}

    async def flood(self, numbers: Iterable[int], at_once: int = 50) -> None:
        """Publishes all of them, so many at once, in order as far as that goes."""
        left = iter(numbers)

        async def work() -> None:
            for number in left:
                await self.send(number)

        await asyncio.gather(*(work() for _ in range(at_once)))

    async def trickle(self, start: int, ended: asyncio.Event, pause: float = 0.02) -> None:
        """Publishes number after number until told to end."""
        sending: set[asyncio.Task[None]] = set()
        number = start
        while not ended.is_set():
            if len(sending) < 20:
                sending.add(asyncio.ensure_future(self.send(number)))
                number += 1
            sending = {task for task in sending if not task.done()}
            await asyncio.sleep(pause)
        await asyncio.gather(*sending)
