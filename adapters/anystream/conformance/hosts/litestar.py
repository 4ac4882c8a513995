"""Litestar as a host."""

# Litestar reads the annotations of the handlers: no `from __future__ import annotations` here.
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, MediaType, Request, WebSocket, asgi, get, websocket
from litestar.types import Receive, Scope, Send

from anystream.conformance.host import Host
from anystream.conformance.hosts.asgi import ASGI_SERVERS
from anystream.conformance.user_code import UserCode
from anystream.litestar import get_broker, setup


def make_app(user: UserCode) -> Litestar:
    """The application, with the user's part in it."""

    @get("/user/{action:str}", media_type=MediaType.TEXT)
    async def act(request: Request[Any, Any, Any], action: str) -> str:
        return await user.answer(action, lambda *kind: get_broker(request, *kind))

    @get("/idiom", media_type=MediaType.TEXT)
    async def idiom(request: Request[Any, Any, Any]) -> str:
        return user.name_of(request.app.state["anystream"].broker)

    @get(["/", "/{rest:path}"], media_type=MediaType.TEXT)
    async def catch_all(rest: str = "") -> str:
        return user.catch_all

    @websocket("/user-socket")
    async def socket(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()
        await socket.send_text(await user.answer("broker", lambda: get_broker(socket)))
        await socket.close()

    sub = Litestar([act], openapi_config=None)

    @asgi("/sub", is_mount=True, copy_scope=True)
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await sub(scope, receive, send)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        await user.on_start()
        try:
            yield
        finally:
            await user.on_stop()

    return Litestar(
        [act, idiom, catch_all, socket, mounted], lifespan=[lifespan], openapi_config=None
    )


class ThreadClient:
    """Litestar's test client, which runs the application in a thread of its own."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        return str((await self._client.get(path)).text)


@asynccontextmanager
async def test_client(app: Litestar) -> AsyncIterator[ThreadClient]:
    """Litestar's own test client."""
    from litestar.testing import AsyncTestClient

    async with AsyncTestClient(app) as client:
        yield ThreadClient(client)


host = Host(
    name="litestar",
    make_app=make_app,
    setup=setup,
    servers=ASGI_SERVERS,
    test_client=test_client,
)
