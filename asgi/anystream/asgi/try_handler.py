"""The endpoint that the page of a document sends messages to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from anystream.asgi.annotations import Request
from anystream.asgi.endpoint import Answer
from anystream.asgi.guards import Guard, verdict
from anystream.asgi.handlers import HttpHandler
from anystream.asgi.response import AsgiResponse, JSONResponse
from anystream.asgi.try_it_out import TryAnswer, TryItOutProcessor
from anystream.asgi.types import ASGIApp, Receive, Scope
from anystream.core.exceptions import SetupError

DEFAULT_LIMIT = 1024 * 1024

Process = Callable[[Any], Awaitable[TryAnswer]]


class TryItOutHandler(HttpHandler):
    """POST of a message that shall be tried.

    Only JSON is taken, and only from the page's own origin: what another page makes a browser
    send is refused. Programs that are no browsers are not concerned.

    Args:
        process: answers the request's JSON, see `TryItOutProcessor.process`.
        origins: other origins that may send, such as `https://docs.example.com`.
        limit: the size of the largest request, in bytes.
        guard: looks at each request first.

    Raises:
        SetupError: an origin is none, or the limit is no positive number.
    """

    methods: tuple[str, ...] = ("POST",)

    def __init__(
        self,
        process: Process,
        *,
        origins: Iterable[str] = (),
        limit: int = DEFAULT_LIMIT,
        guard: Guard | None = None,
    ) -> None:
        super().__init__(self._answer, include_in_schema=False)
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise SetupError(f"try_it_out_limit={limit!r} has to be a number of bytes from 1")
        self.process = process
        self.origins = _checked_origins(origins)
        self.limit = limit
        self.guard = guard
        if self.origins:
            self.methods = ("POST", "OPTIONS")

    def attached_to(self, stream: Any) -> TryItOutHandler:
        """The handler itself: it needs nothing of an application."""
        return self

    def response_to(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] == "OPTIONS" and self.origins:
            return self._preflight(scope)
        return super().response_to(scope, receive)

    def _preflight(self, scope: Scope) -> AsgiResponse:
        origin = _headers(scope).get("origin", "")
        if origin not in self.origins:
            return AsgiResponse(b"", 403)
        allowed = {
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "content-type",
            "access-control-max-age": "600",
        }
        return AsgiResponse(b"", 204, {**allowed, **self._cors(origin)})

    def _cors(self, origin: str | None) -> dict[str, str]:
        if not origin or origin not in self.origins:
            return {}
        return {"access-control-allow-origin": origin, "vary": "origin"}

    async def _answer(self, request: Request) -> ASGIApp:
        refusal = await verdict(self.guard, request.scope)
        if refusal is not None:
            return refusal
        headers = request.headers
        answer = await self._checked(request, headers)
        cors = self._cors(headers.get("origin"))
        return JSONResponse(answer.body, answer.status, {"cache-control": "no-store", **cors})

    async def _checked(self, request: Request, headers: Mapping[str, str]) -> TryAnswer:
        if headers.get("origin") not in self.origins and not is_same_origin(headers):
            return TryAnswer(403, {"details": "Requests of other origins are refused"})
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return TryAnswer(415, {"details": "The content type has to be application/json"})
        body = await self._read(request)
        if body is None:
            return TryAnswer(413, {"details": f"The request is larger than {self.limit} bytes"})
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            return TryAnswer(400, {"details": f"Invalid JSON: {error}"})
        return await self.process(content)

    async def _read(self, request: Request) -> bytes | None:
        """The body; None where it is too large, of which no more is read than needed."""
        found = bytearray()
        async for chunk in request.stream():
            found += chunk
            if len(found) > self.limit:
                return None
        return bytes(found)


def make_try_it_out_handler(processor: TryItOutProcessor, **options: Any) -> TryItOutHandler:
    """Makes the endpoint.

    Args:
        processor: runs the handlers.
        options: those of `TryItOutHandler`.
    """
    return TryItOutHandler(processor.process, **options)


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of this host, or from no page at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    hosts = [headers.get("host", ""), *headers.get("x-forwarded-host", "").split(",")]
    return urlsplit(origin).netloc.lower() in {host.strip().lower() for host in hosts} - {""}


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def _checked_origins(origins: Any) -> frozenset[str]:
    found = [origins] if isinstance(origins, str) else list(origins)
    for origin in found:
        parts = urlsplit(origin) if isinstance(origin, str) else None
        if parts is None or origin != f"{parts.scheme}://{parts.netloc}" or "*" in origin:
            raise SetupError(
                f"try_it_out_origins: {origin!r} is no origin: write scheme, host and port, such "
                "as 'https://docs.example.com'"
            )
    return frozenset(found)
