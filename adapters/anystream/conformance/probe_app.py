"""The ASGI application that the suite mounts: it shows what reaches a mounted application."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from anystream.conformance.journal import Journal
from anystream.conformance.probe_sockets import serve_socket

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

FLOOD_CHUNK = 64 * 1024
FLOOD_CHUNKS = 1024
STILL_THERE = 0.25


class ProbeApp:
    """An ASGI application whose last path segment chooses what it does."""

    def __init__(self, name: str, journal: Journal) -> None:
        self.name = name
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one scope."""
        if scope["type"] not in ("http", "websocket"):
            self._journal.write("probe.scope", type=scope["type"])
            return
        action = scope["path"].rstrip("/").rpartition("/")[2]
        if scope["type"] == "websocket":
            await serve_socket(self._journal, action, scope, receive, send)
            return
        act = getattr(self, f"_{action.replace('-', '_')}", self._show_scope)
        await act(scope, receive, send)

    async def as_method(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same application as a bound method."""
        await self(scope, receive, send)

    async def _show_scope(self, scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, json.dumps({"app": self.name, "scope": plain(scope)}).encode())

    async def _echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        await begin(send)
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            if body := message.get("body", b""):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        digest, size, more = hashlib.sha256(), 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._journal.write("probe.disconnect", while_doing="upload")
                return
            if size == 0:
                self._journal.write("probe.counting")
            digest.update(message.get("body", b""))
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        self._journal.write("probe.upload", size=size)
        await reply(send, json.dumps({"size": size, "sha256": digest.hexdigest()}).encode())

    async def _two_chunks(self, scope: Scope, receive: Receive, send: Send) -> None:
        await begin(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await self._journal.wait_for_flag(scope["query_string"].decode())
        await send({"type": "http.response.body", "body": b"two"})

    async def _flood(self, scope: Scope, receive: Receive, send: Send) -> None:
        await begin(send)
        chunk = b"x" * FLOOD_CHUNK
        for count in range(1, FLOOD_CHUNKS + 1):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if count % 16 == 0:
                self._journal.write("probe.flood", sent=count * FLOOD_CHUNK)
        self._journal.write("probe.flood_end")
        await send({"type": "http.response.body", "body": b""})

    async def _large(self, scope: Scope, receive: Receive, send: Send) -> None:
        await begin(send)
        for _ in range(64):
            await send(
                {"type": "http.response.body", "body": b"y" * FLOOD_CHUNK, "more_body": True}
            )
        await send({"type": "http.response.body", "body": b""})

    async def _hold(self, scope: Scope, receive: Receive, send: Send) -> None:
        await read_all(receive)
        self._journal.write("probe.holding")
        message = await receive()
        self._journal.write("probe.disconnect", while_doing="hold", type=message["type"])

    async def _still_there(self, scope: Scope, receive: Receive, send: Send) -> None:
        await read_all(receive)
        try:
            message = await asyncio.wait_for(receive(), STILL_THERE)
        except asyncio.TimeoutError:
            await reply(send, b"nothing came")
        else:
            await reply(send, str(message["type"]).encode())

    async def _fail_before(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the conformance probe fails before the response")

    async def _fail_after(self, scope: Scope, receive: Receive, send: Send) -> None:
        await begin(send)
        await send({"type": "http.response.body", "body": b"partial", "more_body": True})
        await self._journal.wait_for_flag(scope["query_string"].decode())
        raise RuntimeError("the conformance probe fails after the start of the response")

    async def _repeated_headers(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-probe", b"yes")]
        await reply(send, b"three", 203, headers)

    async def _no_content(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _sized(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
        body = b"" if scope["method"] == "HEAD" else b"sized"
        await reply(send, body, 200, headers)

    async def _early(self, scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, b"no need to read", 413)


def as_function(probe: ProbeApp) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The same application as a plain function."""

    async def probe_function(scope: Scope, receive: Receive, send: Send) -> None:
        await probe(scope, receive, send)

    return probe_function


async def begin(
    send: Send, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Sends the start of a response."""
    await send({"type": "http.response.start", "status": status, "headers": headers or []})


async def reply(
    send: Send, body: bytes, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Sends a whole response."""
    await begin(send, status, headers)
    await send({"type": "http.response.body", "body": body})


async def read_all(receive: Receive) -> None:
    """Reads the request's body to its end."""
    while (await receive()).get("more_body", False):
        pass


def plain(value: Any) -> Any:
    """A scope as JSON can carry it: bytes as latin-1 text marked by `b:`, others by their type."""
    if isinstance(value, bytes):
        return "b:" + value.decode("latin-1")
    if isinstance(value, MutableMapping):
        return {str(key): plain(item) for key, item in value.items() if key != "extensions"}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return f"<{type(value).__name__}>"
