"""aiohttp as a host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from anystream.aiohttp import STREAM, get_broker, setup
from anystream.conformance.host import Host
from anystream.conformance.user_code import UserCode


def make_app(user: UserCode) -> web.Application:
    """The application, with the user's part in it."""

    async def act(request: web.Request) -> web.Response:
        def ask(*kind: Any) -> Any:
            return get_broker(request, *kind)

        return web.Response(text=await user.answer(request.match_info["action"], ask))

    async def idiom(request: web.Request) -> web.Response:
        return web.Response(text=user.name_of(request.config_dict[STREAM].broker))

    async def catch_all(request: web.Request) -> web.Response:
        return web.Response(text=user.catch_all)

    async def socket(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await websocket.send_str(await user.answer("broker", lambda: get_broker(request)))
        await websocket.close()
        return websocket

    async def on_start(_: web.Application) -> None:
        await user.on_start()

    async def on_stop(_: web.Application) -> None:
        await user.on_stop()

    app, sub = web.Application(), web.Application()
    app.on_startup.append(on_start)
    app.on_cleanup.append(on_stop)
    sub.router.add_get("/user/{action}", act)
    app.router.add_get("/user/{action}", act)
    app.router.add_get("/idiom", idiom)
    app.router.add_get("/user-socket", socket)
    app.add_subapp("/sub", sub)
    app.router.add_get("/{rest:.*}", catch_all)
    return app


class ServerClient:
    """aiohttp's test client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        response = await self._client.get(path)
        return str(await response.text())


@asynccontextmanager
async def test_client(app: web.Application) -> AsyncIterator[ServerClient]:
    """aiohttp's own test client."""
    from aiohttp.test_utils import TestClient, TestServer

    async with TestClient(TestServer(app)) as client:
        yield ServerClient(client)


host = Host(
    name="aiohttp",
    make_app=make_app,
    setup=setup,
    servers=("aiohttp", "gunicorn-aiohttp"),
    test_client=test_client,
    closed={
        "start_failure_runs_user_stop": "aiohttp runs no on_cleanup after a failed start",
        "responses_without_content_type": "aiohttp adds application/octet-stream",
        "second_start": "aiohttp binds an application to its first event loop",
    },
    absent={"asgi_lifespan": "an aiohttp application is no ASGI application"},
)
