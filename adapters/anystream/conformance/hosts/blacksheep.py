"""BlackSheep as a host."""

# BlackSheep reads the annotations of the handlers: no `from __future__ import annotations` here.
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from blacksheep import Application, Request, Response, Router, WebSocket, text

from anystream.asgi.hosting import Hosted
from anystream.blacksheep import get_broker, setup
from anystream.conformance.host import Host
from anystream.conformance.hosts.asgi import ASGI_SERVERS
from anystream.conformance.user_code import UserCode


def make_app(user: UserCode) -> Application:
    """The application, with the user's part in it."""
    app = Application(router=Router())
    sub = Application(router=Router())

    async def act(request: Request, action: str) -> Response:
        return text(await user.answer(action, lambda *kind: get_broker(request, *kind)))

    app.router.add_get("/user/{action}", act)
    sub.router.add_get("/user/{action}", act)

    @app.router.get("/idiom")
    async def idiom(hosted: Hosted) -> Response:
        return text(user.name_of(hosted.broker))

    @app.router.get("*")
    async def catch_all() -> Response:
        return text(user.catch_all)

    @app.router.ws("/user-socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await user.answer("broker", lambda: get_broker(websocket)))
        await websocket.close()

    async def on_start(_: Application) -> None:
        await user.on_start()

    async def on_stop(_: Application) -> None:
        await user.on_stop()

    app.on_start += on_start
    app.on_stop += on_stop
    app.mount("/sub", sub)
    return app


class HandleClient:
    """BlackSheep's test client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        response = await self._client.get(path)
        return str(await response.text())


@asynccontextmanager
async def test_client(app: Any) -> AsyncIterator[HandleClient]:
    """BlackSheep's own test client."""
    from blacksheep.testing import TestClient

    await app.start()
    try:
        yield HandleClient(TestClient(app))
    finally:
        await app.stop()


host = Host(
    name="blacksheep",
    make_app=make_app,
    setup=setup,
    servers=ASGI_SERVERS,
    test_client=test_client,
)
