"""The connection to Redis: the user's client, our lines, ping, end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import redis.exceptions

from anystream.core.exceptions import BrokerConnectionError, IncorrectState
from anystream.redis.line import Line
from anystream.redis.servers import Servers
from anystream.redis.watch import Watch

Say = Callable[[int, str], None]

PATIENCE = 5.0
PING_IS_GOOD_FOR = 1.0
CLOSE_TIMEOUT = 2.0
MOST_LINES = 64


class RedisConnection:
    """A client, and lines of our own beside it.

    Args:
        servers: where the data is.
        say: writes a log line with a level.
        patience: seconds that an answer may take before its line counts as dead.
        most_lines: how many lines may send at once; more senders wait for one another.
    """

    def __init__(
        self,
        servers: Servers,
        say: Say,
        *,
        patience: float = PATIENCE,
        most_lines: int = MOST_LINES,
    ) -> None:
        self.servers = servers
        self.say = say
        self.patience = patience
        self.most_lines = most_lines
        self.client: Any = None
        self.watch = Watch(patience)
        self._idle: list[Line] = []
        self._sending = asyncio.Semaphore(most_lines)
        self._good_until = 0.0

    @property
    def address(self) -> str:
        """The servers without passwords, for people."""
        return self.servers.address

    async def connect(self) -> Any:
        """Makes the client and tries a round trip.

        Raises:
            BrokerConnectionError: the server cannot be reached, or refuses.
        """
        client = self.servers.make_client()
        self._sending = asyncio.Semaphore(self.most_lines)
        self.watch = Watch(self.patience)
        self.client = client
        try:
            await self.servers.prepare(client)
            await self.command(None, "PING")
        except BaseException as error:
            await self.close()
            if not isinstance(error, (redis.exceptions.RedisError, OSError)):
                raise
            raise BrokerConnectionError(
                f"cannot connect to Redis at {self.address}: "
                f"{str(error).rstrip('.') or type(error).__name__}. Check that a server runs "
                "there, and the address, the credentials and the TLS settings of RedisBroker"
            ) from error
        return client

    async def dial(self, key: str | None, *, listens: bool = False, block: float = 0.0) -> Line:
        """A new line to the server that has a key, or to any server.

        Args:
            key: a name of a list or stream; None where it does not matter.
            listens: it is for a subscription.
            block: seconds that its commands wait at the server.

        Raises:
            redis.exceptions.RedisError, OSError: there is no way to it.
        """
        client = self.client
        if client is None:
            raise IncorrectState("the broker is not connected: await `broker.connect()` first")
        try:
            connection = await self.servers.open(client, key)
        except BaseException:
            self._good_until = 0.0
            raise
        line = Line(connection, self.watch, listens=listens, block=block)
        if self.client is not client:  # stopped meanwhile
            await line.close()
            raise IncorrectState("the broker was stopped while it connected")
        return line

    async def command(self, key: str | None, *command: Any) -> Any:
        """Sends a command and returns the answer; safe to call from many tasks.

        Args:
            key: the name that it is about; None where it does not matter.
            *command: the command and its arguments.
        """
        if self.servers.cluster:
            return await self.client.execute_command(*command)
        async with self._sending:
            line = self._take_idle() or await self.dial(None)
            try:
                answer = await line.ask(*command)
            except redis.exceptions.ResponseError:
                await self._put_back(line)
                raise
            except BaseException:
                self._good_until = 0.0
                await line.close()
                raise
            await self._put_back(line)
            return answer

    def _take_idle(self) -> Line | None:
        while self._idle:
            line = self._idle.pop()
            if not line.stale:
                return line
            self.watch.remove(line)
            line.connection._close()
        return None

    async def _put_back(self, line: Line) -> None:
        if self.client is not None and len(self._idle) < self.most_lines:
            self._idle.append(line)
        else:
            await line.close()

    async def ping(self, timeout: float | None) -> bool:
        """Whether the server answers within some seconds; asked at most once a second."""
        known = self.known_health()
        if known is not None:
            return known
        try:
            await asyncio.wait_for(self.command(None, "PING"), timeout)
        except (redis.exceptions.RedisError, OSError, asyncio.TimeoutError, IncorrectState):
            self._good_until = 0.0
            return False
        self._good_until = time.monotonic() + PING_IS_GOOD_FOR
        return True

    def known_health(self) -> bool | None:
        """False while not connected, True for a second after a good answer, else None."""
        if self.client is None:
            return False
        return True if time.monotonic() < self._good_until else None

    async def lost(self, line: Line | None, key: str | None) -> None:
        """Called when a line broke, or its server refused: the key may be elsewhere now.

        Args:
            line: the line, None if it could not even be dialled.
            key: the name that it was for.
        """
        self._good_until = 0.0
        if line is not None:
            await line.close()
        if key is not None and self.servers.cluster and self.client is not None:
            try:
                await asyncio.wait_for(self.servers.moved(self.client, key), self.patience)
            except (redis.exceptions.RedisError, OSError, asyncio.TimeoutError):
                return  # dialling again will say so

    async def close(self) -> None:
        """Hangs up everywhere; bounded also when nobody answers."""
        client, self.client = self.client, None
        self._good_until = 0.0
        self.watch.stop()
        idle, self._idle = self._idle, []
        for line in idle:
            await line.close()
        if client is not None:
            try:
                await asyncio.wait_for(self.servers.close_client(client), CLOSE_TIMEOUT)
            except (redis.exceptions.RedisError, OSError, asyncio.TimeoutError):
                return


def redacted(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc and not parts.query:
        return url
    account, at, host = parts.netloc.rpartition("@")
    user, colon, _ = account.partition(":")
    shown = f"{user}:***" if colon else user
    return parts._replace(netloc=f"{shown}{at}{host}", query="").geturl()
