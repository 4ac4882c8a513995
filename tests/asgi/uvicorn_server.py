"""A real uvicorn in the test's own loop."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn


class StartFailed(Exception):
    """The application told the server that it cannot start."""


@contextlib.asynccontextmanager
async def served(app: Any, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Serves an ASGI application on a free port; the client's `base_url` is its address."""
    options.setdefault("lifespan", "on")
    config = uvicorn.Config(app, log_level="critical", ws="websockets-sansio", **options)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    listening = socket.create_server(("127.0.0.1", 0))
    with listening:
        try:
            await server.startup(sockets=[listening])
        except SystemExit as error:
            raise StartFailed from error
        if server.should_exit:
            raise StartFailed
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=url, timeout=10) as client:
                yield client
        finally:
            await server.shutdown(sockets=[listening])
