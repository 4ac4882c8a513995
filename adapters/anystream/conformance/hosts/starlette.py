"""Starlette as a host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from anystream.conformance.host import Host
from anystream.conformance.hosts.asgi import ASGI_SERVERS
from anystream.conformance.user_code import UserCode
from anystream.starlette import get_broker, setup


def make_app(user: UserCode) -> Starlette:
    """The application, with the user's part in it."""

    async def act(request: Request) -> PlainTextResponse:
        def ask(*kind: Any) -> Any:
            return get_broker(request, *kind)

        return PlainTextResponse(await user.answer(request.path_params["action"], ask))

    async def idiom(request: Request) -> PlainTextResponse:
        return PlainTextResponse(user.name_of(request.app.state.anystream.broker))

    async def catch_all(request: Request) -> PlainTextResponse:
        return PlainTextResponse(user.catch_all)

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await user.answer("broker", lambda: get_broker(websocket)))
        await websocket.close()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await user.on_start()
        try:
            yield
        finally:
            await user.on_stop()

    sub = Starlette(routes=[Route("/user/{action}", act)])
    return Starlette(
        routes=[
            Route("/user/{action}", act),
            Route("/idiom", idiom),
            Mount("/sub", sub),
            WebSocketRoute("/user-socket", socket),
            Route("/{rest:path}", catch_all),
        ],
        lifespan=lifespan,
    )


class PortalClient:
    """Starlette's test client, which runs the application in a thread of its own."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        return str(self._client.get(path).text)


@asynccontextmanager
async def test_client(app: Any) -> AsyncIterator[PortalClient]:
    """Starlette's own test client."""
    from starlette.testclient import TestClient

    with TestClient(app) as client:
        yield PortalClient(client)


host = Host(
    name="starlette",
    make_app=make_app,
    setup=setup,
    servers=ASGI_SERVERS,
    test_client=test_client,
)
