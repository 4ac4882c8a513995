"""FastAPI as a host."""

# FastAPI reads the annotations of the handlers: no `from __future__ import annotations` here.
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse

from anystream.conformance.host import Host
from anystream.conformance.hosts.asgi import ASGI_SERVERS
from anystream.conformance.hosts.starlette import test_client
from anystream.conformance.user_code import UserCode
from anystream.fastapi import get_broker, setup


def make_app(user: UserCode) -> FastAPI:
    """The application, with the user's part in it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await user.on_start()
        try:
            yield
        finally:
            await user.on_stop()

    async def act(request: Request, action: str) -> str:
        return await user.answer(action, lambda *kind: get_broker(request, *kind))

    app = FastAPI(lifespan=lifespan, docs_url=None, openapi_url=None, redoc_url=None)
    sub = FastAPI()
    for one in (app, sub):
        one.get("/user/{action}", response_class=PlainTextResponse)(act)

    @app.get("/idiom", response_class=PlainTextResponse)
    async def idiom(broker: Annotated[Any, Depends(get_broker)]) -> str:
        return user.name_of(broker)

    @app.websocket("/user-socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await user.answer("broker", lambda: get_broker(websocket)))
        await websocket.close()

    app.mount("/sub", sub)

    @app.get("/{rest:path}", response_class=PlainTextResponse)
    async def catch_all(rest: str) -> str:
        return user.catch_all

    return app


host = Host(
    name="fastapi",
    make_app=make_app,
    setup=setup,
    servers=ASGI_SERVERS,
    test_client=test_client,
)
