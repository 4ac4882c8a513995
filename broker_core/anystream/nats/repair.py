"""Mending what receives messages: tried again, ever more slowly, until it works."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextvars import Context

from anystream.core.subscriber import Subscriber
from anystream.nats.connection import NatsConnection

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


class Repair:
    """Runs some work in the background until it succeeds.

    Args:
        connection: nothing is tried while it is away; start it again when it is back.
        subscriber: whose messages it is about, for the log.
        work: makes sure that messages arrive; safe to call when they do.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subscriber: Subscriber,
        work: Callable[[], Awaitable[None]],
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.work = work
        self.needed = False  # whether messages may be missed
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def start(self, *, certain: bool = True) -> None:
        """Begins, or does it once more if it is at it.

        Args:
            certain: False if it is only a look whether everything is well.
        """
        self.needed |= certain
        if self._task is None or self._task.done():
            # in a context of its own: whoever starts it may be in the middle of a handler
            self._task = Context().run(lambda: asyncio.ensure_future(self._run()))
        else:
            self._again = True

    async def _run(self) -> None:
        pause, said = FIRST_PAUSE, ""
        while self.connection.is_up:
            self._again = False
            try:
                await self.work()
                if self._again:
                    continue
                self.needed = False
                if said:
                    self._log(logging.INFO, "receives again")
                return
            except Exception as error:
                self.needed = True
                if str(error) != said:
                    said = str(error)
                    self._log(logging.ERROR, f"cannot receive: {error}; trying again")
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)

    def _log(self, level: int, text: str) -> None:
        logger = self.subscriber.broker.logger
        if logger is not None:
            logger.log(level, f"{self.subscriber!r} {text}")

    async def end(self) -> None:
        """Gives up."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
