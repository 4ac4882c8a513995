"""Elements of a list."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

import redis.exceptions

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Feed
from anystream.redis.connection import RedisConnection
from anystream.redis.explaining import explained
from anystream.redis.gate import Gate
from anystream.redis.line import Line
from anystream.redis.schemas import ListSub

RESCUE_SECONDS = 0.5
CLOSE_SECONDS = 2.0


class ListFeed(Feed):
    """Takes elements one by one, some at once, or in batches.

    Args:
        connection: a connection that is up.
        subscriber: whose elements they are.
        source: how they are read.
    """

    pulls = True
    forgets = True

    def __init__(
        self, connection: RedisConnection, subscriber: Subscriber, source: ListSub
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.source = source
        self.key = subscriber.full_address
        self.most = source.max_records if source.batch else source.prefetch
        self.gate = Gate()
        self._line: Line | None = None
        self._ask: list[bytes] = []
        self._asked = False
        self._old_server = False
        self._taken: deque[bytes] = deque()
        self._waiting: dict[int, Any] = {}  # handed out to workers, and not begun with
        self.close_timeout = source.polling_interval + CLOSE_SECONDS
        if subscriber.workers > 1:
            self.begin = self._begin

    async def open(self) -> None:
        if self._line is None:
            with explained(self.subscriber):
                await self._connect()

    async def _connect(self) -> None:
        seconds = self.source.polling_interval
        line = await self.connection.dial(self.key, block=seconds)
        wait = f"{seconds:.3f}"
        if self.most == 1 and not self.source.batch:
            self._ask = line.pack("BLPOP", self.key, wait)
        elif self._old_server:
            self._ask = line.pack("LPOP", self.key, self.most)
        else:
            self._ask = line.pack("BLMPOP", wait, 1, self.key, "LEFT", "COUNT", self.most)
        self._asked = False
        self._line = line

    async def fetch(self) -> Sequence[Any]:
        if self._taken:
            return (self._raw(self._taken.popleft()),)
        gate = self.gate
        await gate.enter()
        try:
            if self._line is None:
                await self._connect()
                return ()
            found = await self._read(self._line)
        except (redis.exceptions.RedisError, OSError) as error:
            await self._broken()
            with explained(self.subscriber):
                raise error
        finally:
            gate.leave()
        if not found:
            return ()
        if self.source.batch:
            return ({"type": "blist", "channel": self.key, "data": found},)
        if len(found) > 1:  # handed out one by one: what nobody began with can be put back
            self._taken.extend(found[1:])
        return (self._raw(found[0]),)

    def _raw(self, data: bytes) -> dict[str, Any]:
        raw = {"type": "list", "channel": self.key, "data": data}
        if self.begin is not None:
            self._waiting[id(raw)] = raw
        return raw

    def _begin(self, raw: Any) -> bool:
        self._waiting.pop(id(raw), None)
        return True

    async def _read(self, line: Line) -> Sequence[bytes]:
        self._asked = True
        await line.send(self._ask, False)
        try:
            answer = await line.read()
        except redis.exceptions.ResponseError as error:
            self._asked = False
            if "unknown command" not in str(error).lower():
                raise
            self._old_server = True  # before Redis 7: asked now and then
            self._ask = line.pack("LPOP", self.key, self.most)
            return ()
        self._asked = False
        if answer is None and self._old_server:
            await asyncio.sleep(self.source.polling_interval)
        return self._elements(answer)

    def _elements(self, answer: Any) -> Sequence[bytes]:
        if answer is None:
            return ()
        if self._old_server:  # LPOP with a count, also of one
            return answer  # type: ignore[no-any-return]
        elements = answer[1]
        return elements if isinstance(elements, list) else (elements,)

    async def _broken(self) -> None:
        line, self._line = self._line, None
        await self.connection.lost(line, self.key)

    async def pause(self) -> None:
        await self.gate.close()

    async def resume(self) -> None:
        self.gate.open()

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is None:
            return
        back = [raw["data"] for raw in self._waiting.values()] + list(self._taken)
        self._waiting.clear()
        self._taken.clear()
        try:
            if self._asked:  # cancelled in the middle of a read: what it brings must not be lost
                wait = self.source.polling_interval + RESCUE_SECONDS
                back += self._elements(await asyncio.wait_for(line.read(), wait))
                self._asked = False
            if back:
                await line.ask("LPUSH", self.key, *reversed(back))
        except (redis.exceptions.RedisError, OSError, asyncio.TimeoutError) as error:
            if back:
                text = f"{self.subscriber!r}: {len(back)} elements could not be put back: {error!r}"
                self.connection.say(logging.ERROR, text)
        finally:
            await line.close()

    @property
    def alive(self) -> bool:
        return self._line is not None
