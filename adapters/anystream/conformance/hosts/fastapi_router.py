"""FastAPI as a host, with a StreamRouter in the application beside the stream of `setup`."""

from __future__ import annotations

from dataclasses import replace

from fastapi import FastAPI

from anystream.conformance.hosts import fastapi
from anystream.conformance.user_code import UserCode
from anystream.fastapi.memory import MemoryRouter


def make_app(user: UserCode) -> FastAPI:
    """The application of the `fastapi` host, with a router whose broker lives beside the other."""
    app = fastapi.make_app(user)
    router = MemoryRouter(logger=None, schema_url=None)

    @router.subscriber("orders")
    async def handle(text: str) -> None: ...

    app.include_router(router)
    return app


# one server: what the others do with a lifespan is seen with the `fastapi` host
host = replace(fastapi.host, name="fastapi_router", make_app=make_app, servers=("uvicorn",))
