"""The built-in `AsgiFastStream` as a host."""

from __future__ import annotations

from typing import Any

from anystream.asgi import AsgiFastStream, AsgiResponse, get
from anystream.asgi.adapter import get_broker, setup
from anystream.asgi.types import Receive, Scope, Send
from anystream.conformance.host import Host
from anystream.conformance.lifespan_client import run_lifespan
from anystream.conformance.user_code import UserCode
from anystream.core import Context

ASGI_SERVERS = ("uvicorn", "hypercorn", "granian")


class UserPart:
    """The user's handlers as an ASGI application, mounted at several paths."""

    def __init__(self, user: UserCode) -> None:
        self.user = user
        self.app: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one scope."""
        if scope["type"] == "websocket":
            await self._socket(receive, send)
            return
        action = scope["path"].rpartition("/user/")[2]
        text = self.user.catch_all
        if scope["path"].startswith(("/user/", "/sub/user/")):
            text = await self.user.answer(action, self.ask)
        await AsgiResponse(text.encode())(scope, receive, send)

    def ask(self, kind: Any = None) -> Any:
        return get_broker(self.app, kind)

    async def _socket(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        text = await self.user.answer("broker", self.ask)
        await send({"type": "websocket.send", "text": text})
        await send({"type": "websocket.close", "code": 1000})


def make_app(user: UserCode) -> AsgiFastStream:
    """The application, with the user's part in it."""
    part = UserPart(user)

    @get
    async def idiom(broker: Any = Context("app.broker")) -> AsgiResponse:
        return AsgiResponse(user.name_of(broker).encode())

    app = AsgiFastStream(
        asgi_routes=[("/user", part), ("/sub", part), ("/user-socket", part), ("/", part)],
        on_startup=[user.on_start],
        on_shutdown=[user.on_stop],
    )
    app.mount("/idiom", idiom)
    part.app = app
    return app


host = Host(
    name="asgi",
    make_app=make_app,
    setup=setup,
    servers=ASGI_SERVERS,
    test_client=run_lifespan,
)
