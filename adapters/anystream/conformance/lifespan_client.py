"""A test client for ASGI applications of frameworks that have none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class LifespanClient:
    """Calls an ASGI application that has been started."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def get(self, path: str) -> str:
        """The body of the answer to GET `path`."""
        body = b""

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal body
            body += message.get("body", b"")

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"test")],
        }
        await self._app(scope, receive, send)
        return body.decode()


@asynccontextmanager
async def run_lifespan(app: Any) -> AsyncIterator[LifespanClient]:
    """Enters when the application said that it started; leaves when it has stopped.

    Args:
        app: the ASGI application.

    Raises:
        Exception: what the application raised at its start.
        RuntimeError: it said `startup.failed` and raised nothing.
    """
    to_app: asyncio.Queue[Any] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    to_app.put_nowait({"type": "lifespan.startup"})
    said = await from_app.get()
    if said["type"] != "lifespan.startup.complete":
        await task
        raise RuntimeError(said.get("message"))
    try:
        yield LifespanClient(app)
    finally:
        to_app.put_nowait({"type": "lifespan.shutdown"})
        await from_app.get()
        await task
