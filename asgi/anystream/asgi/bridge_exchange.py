"""What an HTTP exchange and a websocket have in common when an ASGI callable is bridged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias, TypeVar

from anystream.asgi.types import ASGIApp, Message, Scope
from anystream.core.exceptions import IncorrectState

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

Item = TypeVar("Item")

logger = logging.getLogger("anystream.bridge")


class AsgiMessageError(IncorrectState):
    """An ASGI callable sent a message that the protocol does not allow at that point."""


class ClientLeft(ConnectionError):
    """`send()` was called after the client had disconnected."""


class Exchange:
    """One run of an ASGI callable against one client.

    It is *over* when the answer is complete or the client is gone; the callable may run on.
    `error` is the exception of a callable that failed while the client could still be told.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.gone = False
        self.complete = False
        self.error: BaseException | None = None
        self._pending: asyncio.Future[Any] | None = None
        self._over: asyncio.Future[None] | None = None

    @property
    def over(self) -> asyncio.Future[None]:
        """Done once the exchange is over; made when it is first waited for."""
        if self._over is None:
            self._over = asyncio.get_running_loop().create_future()
            if self.gone or self.complete:
                self._over.set_result(None)
        return self._over

    async def receive(self) -> Message:
        """The ASGI `receive` of this exchange."""
        raise NotImplementedError

    async def send(self, message: Message) -> None:
        """The ASGI `send` of this exchange."""
        raise NotImplementedError

    async def finish(self, error: BaseException | None) -> None:
        """Called once, with what the callable raised or None; answers what it left unanswered."""
        raise NotImplementedError

    def abandon(self) -> None:
        """The framework's handler was cancelled."""
        self.leave()

    def leave(self) -> None:
        """The client is gone: from now on there is nobody to answer."""
        if not self.complete:
            self.gone = True
        self._end()

    async def run(self, app: ASGIApp) -> None:
        """Run `app` to its end; never raises an `Exception`, see `error`."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:
            await self._finish(error)
            if not isinstance(error, Exception):
                raise
        else:
            if not self.complete or self._pending is not None:
                await self._finish(None)

    async def _finish(self, error: BaseException | None) -> None:
        try:
            if error is not None and (self.gone or self.complete):
                self._report_late(error)
            elif not self.gone:
                await self.finish(error)
        except ConnectionError:
            self.leave()
        finally:
            self._end()
            if self._pending is not None:
                self._pending.cancel()

    def _end(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _report_late(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            return
        path = self.scope.get("path")
        if self.gone:
            logger.debug("ASGI callable at %s ended after its client left: %r", path, error)
        else:
            logger.error("ASGI callable at %s failed after its answer", path, exc_info=error)

    async def _next(self, source: Callable[[], Awaitable[Item]]) -> Item | None:
        """The next item of `source`; None when the exchange is over before there is one.

        A caller that gives up (a timeout around `receive()`) loses nothing: the read goes on and
        its item is for the next caller.
        """
        if self._pending is None:
            if self.over.done():
                return None
            self._pending = asyncio.ensure_future(source())
        await asyncio.wait((self._pending, self.over), return_when=asyncio.FIRST_COMPLETED)
        if not self._pending.done():
            self._pending.cancel()
            return None
        pending, self._pending = self._pending, None
        try:
            item: Item = pending.result()
            return item
        except (ConnectionError, asyncio.CancelledError):
            self.leave()
            return None


def unexpected(message: Message, expected: Iterable[str]) -> AsgiMessageError:
    """The error for a message that may not be sent now."""
    return AsgiMessageError(
        f"An ASGI callable sent {message.get('type')!r} where only {' or '.join(expected)} is"
        " allowed. Check that it starts its answer once and sends nothing after the end of it."
    )
