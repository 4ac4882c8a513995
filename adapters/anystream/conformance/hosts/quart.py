"""Quart as a host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from quart import Blueprint, Quart, current_app, websocket

from anystream.conformance.host import Host
from anystream.conformance.user_code import UserCode
from anystream.quart import get_broker, setup


def make_app(user: UserCode) -> Quart:
    """The application, with the user's part in it."""
    app = Quart("conformance", static_folder=None)
    sub = Blueprint("sub", "conformance", url_prefix="/sub")
    app.before_serving(user.on_start)
    app.after_serving(user.on_stop)

    def ask(*kind: Any) -> Any:
        return get_broker(kind=kind[0]) if kind else get_broker()

    @sub.get("/user/<action>")
    @app.get("/user/<action>")
    async def act(action: str) -> str:
        return await user.answer(action, ask)

    @app.get("/idiom")
    async def idiom() -> str:
        return user.name_of(current_app.extensions["anystream"].broker)

    @app.get("/<path:rest>")
    async def catch_all(rest: str) -> str:
        return user.catch_all

    @app.websocket("/user-socket")
    async def socket() -> None:
        await websocket.accept()
        await websocket.send(await user.answer("broker", ask))

    app.register_blueprint(sub)
    return app


class QuartClient:
    """Quart's test client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        response = await self._client.get(path)
        return str(await response.get_data(as_text=True))


@asynccontextmanager
async def test_client(app: Quart) -> AsyncIterator[QuartClient]:
    """Quart's own test client, with the lifespan."""
    async with app.test_app() as started:
        yield QuartClient(started.test_client())


host = Host(
    name="quart",
    make_app=make_app,
    setup=setup,
    servers=("quart", "hypercorn", "uvicorn"),
    test_client=test_client,
)
