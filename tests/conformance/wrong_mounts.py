"""Adapters that mount wrongly, each with the clauses that it must break."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from reference_adapter import ReferenceAdapter

from anystream.conformance.probe_app import begin, reply


class Unreachable(ReferenceAdapter):
    """The user's catch-all comes first."""

    breaks = "M01 M09 M18"

    def find(self, path: str) -> str | None:
        return None


class StripsPath(ReferenceAdapter):
    """Cuts the prefix off the path, and tells the application nothing of it."""

    breaks = "M02 M03 M41"

    def scope_for(self, path: str, scope: Any) -> Any:
        scope["path"] = scope["path"][len(path) :] or "/"
        return scope


class Loose(ReferenceAdapter):
    """Compares beginnings, takes the first that fits, and redirects to the slash."""

    breaks = "M04 M05 M08 P08 P09"

    def order(self) -> list[str]:
        return sorted(self.mounts, key=len)

    def belongs(self, path: str, mounted: str, exact: bool) -> bool:
        return path.startswith(mounted)

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] in (path, path + "/") and scope["path"] != f"/ping-{path[6:]}":
            await reply(send, b"", 307, [(b"location", path.encode() + b"/")])
            return
        await super().serve_mount(path, scope, receive, send)


class Normalizing(ReferenceAdapter):
    """Takes requests and answers apart and puts them together in its own way."""

    breaks = "M06 M07 M10 M11 M12 M13 M14 M15 M16 M17"

    def scope_for(self, path: str, scope: Any) -> Any:
        super().scope_for(path, scope)
        scope["raw_path"] = scope["path"].encode()
        scope["query_string"] = scope["query_string"].replace(b"%20", b"+")
        scope["headers"] = [(name.title(), value) for name, value in dict(scope["headers"]).items()]
        return scope

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("method") not in (None, "GET", "POST", "HEAD"):
            await reply(send, b"", 405)
            return

        async def send_again(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                headers.setdefault(b"content-type", b"text/html")
                headers.pop(b"content-length", None)
                status = 200 if message["status"] == 204 else message["status"]
                message = {**message, "status": status, "headers": list(headers.items())}
            await send(message)

        await super().serve_mount(path, scope, receive, send_again)


class ForwardsLifespan(ReferenceAdapter):
    """Tells mounted applications of the lifespan."""

    breaks = "M19"

    async def start(self) -> None:
        for app in self.mounts.values():
            if not getattr(app, "exact", False):
                await app({"type": "lifespan"}, None, None)
        await super().start()


class Buffering(ReferenceAdapter):
    """Reads the whole request, up to a limit, and then sends the whole answer, up to a limit."""

    breaks = "M20 M21 M22 M23 M24 M25 M29"

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().serve_mount(path, scope, receive, send)
            return
        message: dict[str, Any] = {"more_body": True}
        body = b""
        while message.get("more_body") and message.get("type") != "http.disconnect":
            message = await receive()
            body += message.get("body", b"")[: 1024 * 1024 - len(body)]
        sent: list[dict[str, Any]] = []

        async def receive_all() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Any) -> None:
            sent.append(message)

        await super().serve_mount(path, scope, receive_all, keep)
        headers = [*sent[0]["headers"], (b"connection", b"close")]
        answer = b"".join(message["body"] for message in sent[1:])
        await reply(send, answer[: 1024 * 1024], sent[0]["status"], headers)


class Smoothing(ReferenceAdapter):
    """Hides every error of a mounted application."""

    breaks = "M26 M27 M28"

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        started = False

        async def note(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await super().serve_mount(path, scope, receive, note)
        except Exception:
            if not started:
                await begin(send)
            await send({"type": "http.response.body", "body": b""})


class Impatient(ReferenceAdapter):
    """Says that the client left as soon as the body is over."""

    breaks = "M30"

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        over = False

        async def receive_once() -> Any:
            nonlocal over
            if over:
                return {"type": "http.disconnect"}
            message = await receive()
            over = not message.get("more_body", False) and scope["type"] == "http"
            return message

        await super().serve_mount(path, scope, receive_once, send)


class Unaware(ReferenceAdapter):
    """Never says that a client left, and is out of order when one did."""

    breaks = "M31 M32 M33 M44 M46"
    confused = False

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        async def receive_no_end() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.confused = True
            if message["type"].endswith("disconnect"):
                await asyncio.sleep(3600)
            return message

        if self.confused:
            await reply(send, b"", 500)
            return
        await super().serve_mount(path, scope, receive_no_end, send)


class NoSockets(ReferenceAdapter):
    """Leaves every websocket to the user."""

    breaks = "M40 M42 M43 M45 M47"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one scope."""
        if scope["type"] == "websocket":
            await self.app.serve(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class OneAtATime(ReferenceAdapter):
    """Serves one mounted request after the other."""

    breaks = "C03 C04"

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        if not hasattr(self, "lock"):
            self.lock = asyncio.Lock()
        async with self.lock:
            await super().serve_mount(path, scope, receive, send)


class Mixing(ReferenceAdapter):
    """Keeps what belongs to one request where all can see it."""

    breaks = "C01"

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        self.receive, self.send = receive, send
        await asyncio.sleep(0.01)
        with contextlib.suppress(Exception):
            await super().serve_mount(path, scope, self.receive, self.send)


ADAPTERS = (
    Unreachable,
    StripsPath,
    Loose,
    Normalizing,
    ForwardsLifespan,
    Buffering,
    Smoothing,
    Impatient,
    Unaware,
    NoSockets,
    OneAtATime,
    Mixing,
)
