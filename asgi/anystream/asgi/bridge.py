"""Serves any ASGI callable from a framework that is not ASGI.

The framework half implements `HttpPeer` and `WebSocketPeer`, builds a scope with `http_scope` or
`websocket_scope`, and calls `Bridge.serve_http` or `Bridge.serve_websocket` from its handler.
"""

from __future__ import annotations

import asyncio
from weakref import WeakSet

from anystream.asgi.bridge_exchange import (
    AsgiMessageError,
    ClientLeft,
    Exchange,
    RawHeaders,
    logger,
)
from anystream.asgi.bridge_http import HttpExchange, HttpPeer
from anystream.asgi.bridge_scope import http_scope, websocket_scope
from anystream.asgi.bridge_websocket import GOING_AWAY, Closed, WebSocketExchange, WebSocketPeer
from anystream.asgi.types import ASGIApp, Scope

__all__ = (
    "AsgiMessageError",
    "Bridge",
    "ClientLeft",
    "Closed",
    "HttpPeer",
    "RawHeaders",
    "WebSocketPeer",
    "http_scope",
    "websocket_scope",
)

_CLOSE_SECONDS = 5.0


class Bridge:
    """Runs ASGI callables for one application and knows those that still run.

    Each callable runs in a task of its own: a framework that cancels its handler when the client
    leaves does not cancel the callable, which gets a disconnect message instead.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._websockets: WeakSet[WebSocketExchange] = WeakSet()

    async def serve_http(
        self, app: ASGIApp, scope: Scope, peer: HttpPeer, *, inline: bool = False
    ) -> None:
        """Answer one request; returns when the answer is complete or the client is gone.

        Args:
            app: the ASGI callable.
            scope: its scope, see `http_scope`.
            peer: the framework's half of the request.
            inline: run `app` in the caller's task instead of its own. Cheaper, for endpoints
                that answer at once and may be cancelled with the framework's handler.

        Raises:
            Exception: what `app` raised before the first byte of its answer; the framework turns
                it into its own 500.
            AsgiMessageError: `app` returned without an answer.
        """
        exchange = HttpExchange(scope, peer)
        if inline:
            await exchange.run(app)
        else:
            await self._run_in_task(app, exchange)
        if exchange.error is not None:
            raise _unanswered(exchange)

    async def serve_websocket(self, app: ASGIApp, scope: Scope, peer: WebSocketPeer) -> None:
        """Serve one websocket until it is closed from either side.

        Args and errors are those of `serve_http`; an exception after the handshake closes the
        websocket with 1011 and is logged.
        """
        exchange = WebSocketExchange(scope, peer)
        self._websockets.add(exchange)
        await self._run_in_task(app, exchange)
        if exchange.error is not None:
            raise _unanswered(exchange)

    async def _run_in_task(self, app: ASGIApp, exchange: Exchange) -> None:
        task = asyncio.create_task(exchange.run(app), name=f"asgi {exchange.scope['path']}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait((task, exchange.over), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            exchange.abandon()
            raise

    async def close_websockets(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Close every open websocket, so that a server that waits for them can stop."""
        closing = [asyncio.ensure_future(ws.close(code, reason)) for ws in list(self._websockets)]
        if not closing:
            return
        _, late = await asyncio.wait(closing, timeout=_CLOSE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*closing, return_exceptions=True)

    async def close(self, timeout: float | None = _CLOSE_SECONDS) -> None:
        """Wait for callables that outlived their request, then cancel what still runs.

        To be called after the framework drained its requests and before the brokers stop.

        Args:
            timeout: seconds to wait before cancelling; None waits for ever.
        """
        if not self._tasks:
            return
        _, late = await asyncio.wait(list(self._tasks), timeout=timeout)
        for task in late:
            logger.warning("%s did not end within %s s: cancelled", task.get_name(), timeout)
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.0)


def _unanswered(exchange: Exchange) -> Exception:
    error = exchange.error
    if isinstance(error, Exception):
        return error
    unanswered = AsgiMessageError(
        f"The ASGI callable at {exchange.scope['path']} ended with {error!r} before it answered."
    )
    unanswered.__cause__ = error
    return unanswered
