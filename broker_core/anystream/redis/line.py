"""One connection of our own: commands out, answers in, without the client's detours.

The client library's connection does what it does best: addresses, TLS, credentials, protocol.
Of its internals `_reader` and `_writer` are used, the streams of asyncio.
"""

from __future__ import annotations

from typing import Any

import redis.exceptions

from anystream.redis.watch import ASK_AFTER, Watch

_PING = b"*1\r\n$4\r\nPING\r\n"


class Line:
    """A connected connection that one task uses at a time.

    Args:
        connection: a connection of the client library, connected.
        watch: looks after it while an answer is awaited.
        listens: it is silent by nature (a subscription); then the watch asks for a sign of life.
        block: seconds that its commands wait at the server.
    """

    def __init__(
        self, connection: Any, watch: Watch, *, listens: bool = False, block: float = 0.0
    ) -> None:
        self.connection = connection
        self.watch = watch
        self.listens = listens
        self.may_be_silent = max(ASK_AFTER, round(block)) if listens else round(block + 0.5)
        self.waiting = False
        self.turn = self.seen_turn = self.silent = 0
        self.why_broken = ""
        self.send = connection.send_packed_command
        self._read = connection.read_response
        watch.add(self)

    def pack(self, *command: Any) -> list[bytes]:
        """The bytes of a command; for those that are sent again and again."""
        packed: list[bytes] = self.connection.pack_command(*command)
        return packed

    async def read(self) -> Any:
        """The next answer.

        Raises:
            redis.exceptions.ResponseError: the server refused.
            redis.exceptions.ConnectionError: the connection is lost.
        """
        self.turn += 1
        self.waiting = True
        try:
            return await self._read(disable_decoding=True, disconnect_on_error=False)
        except redis.exceptions.ConnectionError as error:
            if self.why_broken:
                raise redis.exceptions.ConnectionError(self.why_broken) from error
            raise
        finally:
            self.waiting = False

    async def ask(self, *command: Any) -> Any:
        """Sends a command and returns the answer."""
        await self.send(self.connection.pack_command(*command), False)
        return await self.read()

    @property
    def stale(self) -> bool:
        """Whether the server has closed it, or said something that nobody asked for."""
        reader = self.connection._reader
        return reader is None or reader.at_eof() or bool(reader._buffer)

    def poke(self) -> None:
        """Asks for a sign of life; the answer comes between the messages."""
        writer = self.connection._writer
        if writer is not None:
            writer.write(_PING)

    def abort(self, why: str) -> None:
        """Breaks the connection; who reads gets an error."""
        self.why_broken = f"{self.connection._host_error()}: {why}"
        writer = self.connection._writer
        if writer is not None:
            writer.transport.abort()

    async def close(self) -> None:
        """Hangs up."""
        self.watch.remove(self)
        await self.connection.disconnect(nowait=True)
