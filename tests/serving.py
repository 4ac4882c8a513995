"""Runs an ASGI application on a real server, in the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import hypercorn.asyncio
import hypercorn.config
import uvicorn


class ServerFailed(Exception):
    """The server gave up at the start."""


@asynccontextmanager
async def serve(app: Any, *, server: str = "uvicorn", lifespan: str = "auto") -> AsyncIterator[str]:
    """Serves until the block is left; gives `host:port`.

    Args:
        app: the ASGI application.
        server: "uvicorn" or "hypercorn".
        lifespan: uvicorn's option.

    Raises:
        ServerFailed: the application did not start.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        address = "{}:{}".format(*listener.getsockname())
        run = _uvicorn if server == "uvicorn" else _hypercorn
        async with run(app, listener, lifespan):
            yield address


@asynccontextmanager
async def _uvicorn(app: Any, listener: socket.socket, lifespan: Any) -> AsyncIterator[None]:
    config = uvicorn.Config(app, lifespan=lifespan, log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    task = asyncio.create_task(_served(server, listener))
    while not server.started:
        await asyncio.sleep(0.01)
        if task.done():
            raise ServerFailed
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def _served(server: uvicorn.Server, listener: socket.socket) -> None:
    with suppress(SystemExit):
        await server.serve(sockets=[listener])


@asynccontextmanager
async def _hypercorn(app: Any, listener: socket.socket, lifespan: Any) -> AsyncIterator[None]:
    config = hypercorn.config.Config()
    config.bind = [f"fd://{listener.detach()}"]
    up, leaving = asyncio.Event(), asyncio.Event()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def watch(message: Any) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                up.set()

        await app(scope, receive, watch if scope["type"] == "lifespan" else send)

    serving = hypercorn.asyncio.serve(watched, config, shutdown_trigger=leaving.wait)  # type: ignore[arg-type]
    task = asyncio.create_task(serving)
    await up.wait()
    try:
        yield
    finally:
        leaving.set()
        await task
