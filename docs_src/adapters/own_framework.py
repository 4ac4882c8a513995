"""A web framework of its own kind: the one that the adapter is written for."""

from collections.abc import Awaitable, Callable
from typing import Any

Handler = Callable[[Any, dict[str, Any]], Awaitable[str]]
Hook = Callable[[], Awaitable[None]]


class Tiny:
    """Start and stop hooks, handlers by path prefix, one websocket handler."""

    def __init__(self, on_start: Hook, on_stop: Hook) -> None:
        self.on_start = on_start
        self.on_stop = on_stop
        self.handlers: dict[str, Handler] = {}
        self.socket: Handler | None = None
        self.started = False
        self.extra: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket" and self.socket is not None:
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": await self.socket(self, scope)})
            await send({"type": "websocket.close", "code": 1000})
        else:
            text = await self._answer(scope)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": text.encode()})

    async def _answer(self, scope: dict[str, Any]) -> str:
        for path in sorted(self.handlers, key=len, reverse=True):
            if scope["path"].startswith(path):
                return await self.handlers[path](self, scope)
        return ""

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self.on_start()
        self.started = True
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.on_stop()
        self.started = False
        await send({"type": "lifespan.shutdown.complete"})
