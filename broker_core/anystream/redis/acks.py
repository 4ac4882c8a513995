"""Acknowledgements: sent after each handler, their answers read later.

Nothing waits for the server here, so an `XACK` costs no round trip. What the server has not
answered yet is kept, and sent again on a new connection if this one breaks: to acknowledge twice
does no harm.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence

import redis.exceptions

from anystream.core.exceptions import FastStreamException
from anystream.redis.connection import RedisConnection
from anystream.redis.line import Line

SETTLE_TIMEOUT = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


def bulk(*parts: bytes) -> bytes:
    """Strings in the protocol of Redis."""
    return b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class AckDesk:
    """Acknowledges messages of one group on a line of its own.

    Args:
        connection: a connection that is up.
        stream: the stream.
        group: the group.
    """

    def __init__(self, connection: RedisConnection, stream: str, group: str) -> None:
        self.connection = connection
        self.stream = stream
        self.group = group
        self._head = bulk(b"XACK", stream.encode(), group.encode())
        self._one = b"*4\r\n" + self._head
        self._unsettled: deque[Sequence[bytes]] = deque()
        self._line: Line | None = None
        self._reading: asyncio.Task[None] | None = None
        self._settled: asyncio.Future[None] | None = None
        self._back: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Connects."""
        self._line = await self.connection.dial(self.stream)
        self._reading = asyncio.ensure_future(self._read())

    async def ack(self, ids: Sequence[bytes]) -> None:
        """Sends the acknowledgement; while the connection is away, it is kept for later."""
        self._unsettled.append(ids)
        line = self._line
        if line is not None:
            line.waiting = True
            try:
                await line.send(self._command(ids), False)
            except (redis.exceptions.RedisError, OSError):
                return  # the reader notices, too, and sends it again

    def _command(self, ids: Sequence[bytes]) -> bytes:
        if len(ids) == 1:
            return self._one + b"$%d\r\n%b\r\n" % (len(ids[0]), ids[0])
        return b"*%d\r\n" % (3 + len(ids)) + self._head + bulk(*ids)

    async def delete(self, ids: Sequence[bytes]) -> None:
        """Takes messages out of the stream."""
        await self.connection.command(self.stream, "XDEL", self.stream, *ids)

    async def delivery_count(self, entry: bytes) -> int:
        """How often a message was delivered; 0 when it is not pending any more."""
        asked = ("XPENDING", self.stream, self.group, entry, entry, 1)
        found = await self.connection.command(self.stream, *asked)
        if not found:
            return 0
        first = found[0]  # a cluster's client makes a dict of it
        return int(first["times_delivered"] if isinstance(first, dict) else first[3])

    async def _read(self) -> None:
        """Reads answers, and connects again when that ends."""
        pause = FIRST_PAUSE
        while True:
            try:
                line = self._line
                if line is None:
                    line = await self.connection.dial(self.stream)
                    await self._send_again(line)
                    self._line = line
                    pause = FIRST_PAUSE
                await self._read_answers(line)
            except (redis.exceptions.RedisError, OSError, FastStreamException):
                line, self._line = self._line, None
                if line is not None:
                    await line.close()
                await self._rest(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _rest(self, seconds: float) -> None:
        self._back = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._back], timeout=seconds)

    def hurry(self) -> None:
        """The server is back: no need to rest any longer."""
        if self._back is not None and not self._back.done():
            self._back.set_result(None)

    async def _read_answers(self, line: Line) -> None:
        reader = line.connection._reader
        while True:
            # each answer is one short line, `:1`, whatever it says: they need not be parsed,
            # and nobody can do anything about one that is an error
            data: bytes = await reader.read(65536)
            if not data:
                raise redis.exceptions.ConnectionError("the server closed the connection")
            for _ in range(data.count(b"\n")):
                if self._unsettled:
                    self._unsettled.popleft()
            line.turn += 1
            line.waiting = bool(self._unsettled)
            if not self._unsettled and self._settled is not None and not self._settled.done():
                self._settled.set_result(None)

    async def _send_again(self, line: Line) -> None:
        line.waiting = bool(self._unsettled)
        for ids in tuple(self._unsettled):
            await line.send(self._command(ids), False)

    async def settle(self) -> None:
        """Waits (not for ever) until the server has answered everything."""
        if self._unsettled and self._line is not None:
            self._settled = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._settled], timeout=SETTLE_TIMEOUT)

    async def close(self) -> None:
        """Waits for answers and hangs up."""
        await self.settle()
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    @property
    def alive(self) -> bool:
        """Whether acknowledgements arrive."""
        return self._line is not None
