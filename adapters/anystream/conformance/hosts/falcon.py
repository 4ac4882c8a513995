"""Falcon as a host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from falcon.asgi import App, Request, Response, WebSocket

from anystream.conformance.host import Host
from anystream.conformance.hosts.asgi import ASGI_SERVERS
from anystream.conformance.user_code import UserCode
from anystream.falcon import get_broker, setup


class Hooks:
    """The user's start and stop hooks, as a middleware."""

    def __init__(self, user: UserCode) -> None:
        self._user = user

    async def process_startup(self, scope: Any, event: Any) -> None:
        """Falcon's start hook."""
        await self._user.on_start()

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        """Falcon's stop hook."""
        await self._user.on_stop()


class Act:
    """The user's handler of requests and of the websocket."""

    def __init__(self, user: UserCode) -> None:
        self._user = user

    async def on_get(self, req: Request, resp: Response, action: str) -> None:
        """A request."""
        resp.text = await self._user.answer(action, lambda *kind: get_broker(req, *kind))

    async def on_get_idiom(self, req: Request, resp: Response) -> None:
        """A request that gets the broker from its context."""
        resp.text = self._user.name_of(req.context.anystream.broker)

    async def on_websocket(self, req: Request, ws: WebSocket) -> None:
        """A websocket."""
        await ws.accept()
        await ws.send_text(await self._user.answer("broker", lambda: get_broker(req)))
        await ws.close()


def make_app(user: UserCode) -> Any:
    """The application, with the user's part in it."""

    async def catch_all(req: Request, resp: Response, ws: Any = None) -> None:
        resp.text = user.catch_all

    app: Any = App(middleware=[Hooks(user)])
    act = Act(user)
    app.add_route("/user/{action}", act)
    app.add_route("/idiom", act, suffix="idiom")
    app.add_route("/user-socket", act)
    app.add_sink(catch_all, "/")
    return app


class SimulatedClient:
    """Falcon's test client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        return str((await self._client.simulate_get(path)).text)


@asynccontextmanager
async def test_client(app: Any) -> AsyncIterator[SimulatedClient]:
    """Falcon's own test client."""
    from falcon.testing import ASGIConductor

    async with ASGIConductor(app) as client:
        yield SimulatedClient(client)


host = Host(
    name="falcon",
    make_app=make_app,
    setup=setup,
    servers=ASGI_SERVERS,
    test_client=test_client,
    absent={"sub_applications": "Falcon has no sub-applications"},
)
