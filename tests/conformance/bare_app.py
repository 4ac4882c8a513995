"""A web framework of one file, for the suite's tests of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anystream.conformance import UserCode


class BareApp:
    """The user's application on bare ASGI; an adapter puts itself `around` it."""

    def __init__(self, user: UserCode) -> None:
        self.user = user
        self.around: Any = None
        self.started = False
        self.get_broker: Callable[..., Any] = lambda *kind: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.around is None:
            await self.serve(scope, receive, send)
        else:
            await self.around(scope, receive, send)

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        """The user's part alone."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            text = await self.user.answer("broker", self.get_broker)
            await send({"type": "websocket.send", "text": text})
            await send({"type": "websocket.close", "code": 1000})
        else:
            text = await self._text(scope["path"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": text.encode()})

    async def _text(self, path: str) -> str:
        if path.startswith(("/user/", "/sub/user/")):
            return await self.user.answer(path.rpartition("/")[2], self.get_broker)
        if path == "/idiom":
            return self.user.name_of(self.get_broker())
        return self.user.catch_all

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self.user.on_start()
        self.started = True
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.user.on_stop()
        await send({"type": "lifespan.shutdown.complete"})
