"""Answers to requests: one subscription for all of a broker."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import redis.exceptions

from anystream.core.exceptions import FastStreamException
from anystream.core.ids import gen_cor_id
from anystream.redis.channel_feed import CONFIRM_SECONDS, message_of
from anystream.redis.connection import RedisConnection
from anystream.redis.line import Line

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Inbox:
    """Subscribes to the pattern `<prefix>.*` at the first request; each request has a channel.

    Args:
        connection: a connection that is up.
    """

    def __init__(self, connection: RedisConnection) -> None:
        self.connection = connection
        self.prefix = f"anystream.inbox.{gen_cor_id()}"
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._number = 0
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Event | None = None

    async def expect(self) -> tuple[str, asyncio.Future[Any]]:
        """A channel for one answer, and what will hold it. Waits for the subscription."""
        if self._task is None or self._ready is None:
            self._ready = asyncio.Event()
            self._task = asyncio.ensure_future(self._run(self._ready))
        if not self._ready.is_set():
            await self._ready.wait()
        self._number += 1
        channel = f"{self.prefix}.{self._number}"
        future = self._waiting[channel] = asyncio.get_running_loop().create_future()
        return channel, future

    def forget(self, channel: str) -> None:
        """Nobody waits for that answer any more."""
        self._waiting.pop(channel, None)

    async def _run(self, ready: asyncio.Event) -> None:
        pause = FIRST_PAUSE
        while True:
            line: Line | None = None
            try:
                line = await self.connection.dial(None, listens=True)
                asked = line.ask("PSUBSCRIBE", f"{self.prefix}.*")
                await asyncio.wait_for(asked, CONFIRM_SECONDS)
                ready.set()
                pause = FIRST_PAUSE
                while True:
                    self._take(await line.read())
            except (
                redis.exceptions.RedisError,
                OSError,
                asyncio.TimeoutError,
                FastStreamException,
            ):
                ready.clear()
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, LONGEST_PAUSE)
            finally:
                if line is not None:
                    await line.close()

    def _take(self, answer: Any) -> None:
        if answer[0] != b"pmessage":
            return
        message = message_of(answer[2], answer[3])
        future = self._waiting.pop(message["channel"], None)
        if future is not None and not future.done():
            future.set_result(message)

    async def close(self) -> None:
        """Ends the subscription; who still waits runs into the timeout."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._waiting.clear()
