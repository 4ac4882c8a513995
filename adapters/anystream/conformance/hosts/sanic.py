"""Sanic as a host."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sanic import Blueprint, HTTPResponse, Request, Sanic, text

from anystream.conformance.host import Host
from anystream.conformance.user_code import UserCode
from anystream.sanic import get_broker, setup

_numbers = itertools.count(1)


def make_app(user: UserCode) -> Any:
    """The application, with the user's part in it."""
    app: Any = Sanic(f"conformance_{next(_numbers)}")
    app.config.ACCESS_LOG = False
    app.config.AUTO_EXTEND = False
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 5.0
    sub = Blueprint("sub", url_prefix="/sub")

    async def act(request: Request, action: str) -> HTTPResponse:
        def ask(*kind: Any) -> Any:
            return get_broker(request, *kind)

        return text(await user.answer(action, ask))

    async def idiom(request: Request) -> HTTPResponse:
        return text(user.name_of(request.app.ctx.anystream.broker))

    async def catch_all(request: Request, rest: str = "") -> HTTPResponse:
        return text(user.catch_all)

    async def socket(request: Request, ws: Any) -> None:
        await ws.send(await user.answer("broker", lambda: get_broker(request)))

    async def on_start(*_: Any) -> None:
        await user.on_start()

    async def on_stop(*_: Any) -> None:
        await user.on_stop()

    app.before_server_start(on_start)
    app.after_server_stop(on_stop)
    app.add_route(act, "/user/<action:str>")
    app.add_route(idiom, "/idiom")
    app.add_websocket_route(socket, "/user-socket")
    sub.add_route(act, "/user/<action:str>", name="sub_act")
    app.blueprint(sub)
    app.add_route(catch_all, "/<rest:path>")
    return app


class AsgiClient:
    """Sanic's test client, which starts and stops the application with each request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        _, response = await self._app.asgi_client.get(path)
        return str(response.text)


@asynccontextmanager
async def test_client(app: Any) -> AsyncIterator[AsgiClient]:
    """Sanic's own test client."""
    yield AsgiClient(app)


host = Host(
    name="sanic",
    make_app=make_app,
    setup=setup,
    servers=("sanic", "sanic-2-workers"),
    test_client=test_client,
    closed={
        "start_failure_runs_user_stop": "Sanic runs no after_server_stop after a failed start",
        "responses_without_content_type": "Sanic adds application/octet-stream",
        "unusual_methods": "Sanic's parser knows the common methods only",
    },
    absent={"asgi_lifespan": "it is tried on Sanic's own server"},
)
