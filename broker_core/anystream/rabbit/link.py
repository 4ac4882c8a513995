"""The client's connection, with pauses between attempts that grow with the outage."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika import RobustConnection
from aiormq.connection import __version__ as aiormq_version

SHORTEST_PAUSE = 0.2
LAST_LOOK = 0.5
# Since its version 7 the library below aborts the socket of a connection that is stuck; earlier
# ones leave it open then, and the server keeps what was delivered to it.
ABORTS_STUCK = int(aiormq_version.partition(".")[0]) >= 7


class Link(RobustConnection):
    """A connection of the client library that says when it is lost and when it is back.

    `reconnect_interval`, which the library reads before each pause, is the longest one here.
    """

    lost: Callable[[BaseException | None], None]
    restored: Callable[[], Awaitable[None]]
    _longest = 5.0
    _lost_at: float | None = None

    @property
    def reconnect_interval(self) -> float:
        """Seconds until the next attempt: half of the outage so far, varied."""
        since = self._lost_at
        away = 0.0 if since is None else time.monotonic() - since
        pause = min(max(away / 2, SHORTEST_PAUSE), max(self._longest, 0.01))
        return pause * random.uniform(0.6, 1.0)

    @reconnect_interval.setter
    def reconnect_interval(self, value: float) -> None:
        self._longest = float(value)

    async def _on_connection_close(self, closing: asyncio.Future[Any]) -> None:
        if self._lost_at is None:
            self._lost_at = time.monotonic()
        error = None if closing.cancelled() else closing.exception()
        self.lost(error)
        await super()._on_connection_close(closing)

    async def _on_connected(self) -> None:
        if self.transport is not None:
            inner: Any = self.transport.connection
            inner.closing.add_done_callback(
                lambda _: _let_them_out(inner, list(inner.channels.values()))
            )
        await super()._on_connected()
        self._lost_at = None
        await self.restored()

    @property
    def is_open(self) -> bool:
        """Whether the connection of this moment has not ended yet."""
        return self.transport is not None and not self.transport.connection.is_closed

    def cut(self) -> bool:
        """Ends a connection that has gone silent at once, without asking the server.

        This is what the client does itself when heartbeats stay away, only earlier.
        """
        transport = self.transport
        if transport is None:
            return False
        inner: Any = transport.connection
        reader = getattr(inner, "_reader_task", None)
        if reader is None or inner.is_closed:
            return False
        if ABORTS_STUCK:
            inner._Connection__last_frame_time = float("-inf")
        reader.cancel()
        return True

    def heard_at(self) -> float | None:
        """When (by the loop's clock) the server said something last; None if that is not known."""
        transport = self.transport
        if transport is None:
            return None
        return getattr(transport.connection, "_Connection__last_frame_time", None)

    def is_blocked(self) -> bool:
        """Whether the server takes nothing from us because it is short of memory or disk."""
        transport = self.transport
        if transport is None:
            return False
        unblocked = getattr(transport.connection, "_Connection__connection_unblocked", None)
        return unblocked is not None and not unblocked.is_set()


def _let_them_out(inner: Any, channels: list[Any], pause: float = 0.0) -> None:
    """Wakes those who wait for room in what a connection that has ended was to write, and those
    who wait behind them: the client leaves them there, and before its version 7 it lets them wait
    for confirmations, too. Looks again for about half a second after the last one.

    Args:
        inner: the connection that has ended.
        channels: its channels.
        pause: seconds since the last look.
    """
    queue, found = inner.write_queue, False
    while not queue.empty():
        queue.get_nowait()
        found = True
    for channel in channels:
        for future in tuple(channel.confirmations.values()):
            if not future.done():
                future.set_exception(ConnectionError("the connection was lost"))
                future.exception()  # or the loop complains when nobody asks any more
                found = True
    pause = 0.0 if found else max(2 * pause, 0.01)
    if pause < LAST_LOOK:
        asyncio.get_running_loop().call_later(pause, _let_them_out, inner, channels, pause)
