"""The endpoints of a document: its page, with the page's files, and its texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from anystream.asgi.document import HTML, JSON, YAML, ServedDocument, content_security_policy
from anystream.asgi.guards import Guard, verdict
from anystream.asgi.handlers import HttpHandler
from anystream.asgi.refusals import PLAIN_TEXT, refuse_path
from anystream.asgi.response import AsgiResponse
from anystream.asgi.routing import relative_path
from anystream.asgi.types import ASGIApp, Receive, Scope, Send
from anystream.specification.assets import asset
from anystream.specification.html import render

FOR_EVER = "max-age=31536000, immutable"
FORMATS = {"json": JSON, "yaml": YAML}


class TextHandler(HttpHandler):
    """GET of a document as JSON or YAML.

    Args:
        document: the document.
        format: "json" or "yaml".
        guard: looks at each request first.
    """

    methods = ("GET", "HEAD")

    def __init__(self, document: ServedDocument, format: str, guard: Guard | None) -> None:
        super().__init__(self._answer, include_in_schema=False)
        self.document = document
        self.format = format
        self.guard = guard

    def attached_to(self, stream: Any) -> TextHandler:
        """The handler itself: it needs nothing of an application."""
        return self

    async def _answer(self, scope: Scope) -> ASGIApp:
        refusal = await verdict(self.guard, scope)
        return refusal or text_answer(self.document, self.format, headers_of(scope))


class PageHandler(HttpHandler):
    """GET of a document's page; made by `make_asyncapi_asgi`.

    The page's files are at its own URL, with a query, so that they are found wherever a
    framework mounts it and whatever prefix a proxy adds.

    Args:
        document: the document.
        page: see `PageOptions`.
        trying: the configuration of the form, see `render`.
        try_handler: what the form sends to, to be served below the page when it is mounted.
        guard: looks at each request first.
        options: those of `HttpHandler`.
    """

    methods = ("GET", "HEAD")

    def __init__(
        self,
        document: ServedDocument,
        page: Mapping[str, Any],
        trying: Mapping[str, Any],
        *,
        try_handler: HttpHandler | None = None,
        guard: Guard | None = None,
        **options: Any,
    ) -> None:
        super().__init__(self._answer, **options)
        self.document = document
        self.page = page
        self.trying = trying
        self.try_handler = try_handler
        self.guard = guard
        self.exact = try_handler is None

    def attached_to(self, stream: Any) -> PageHandler:
        """The handler itself: it needs nothing of an application."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.try_handler is not None:
            below = relative_path(scope)
            if below.rstrip("/") == "/try":
                return await self.try_handler(scope, receive, send)
            if scope.get("root_path") and below not in ("", "/"):
                return await refuse_path(scope, receive, send)
        await super().__call__(scope, receive, send)

    @cached_property
    def html(self) -> bytes:
        """The text of the page."""
        text = render(self.document.title, self.document.json.decode(), self.page, self.trying)
        return text.encode()

    @property
    def policy(self) -> str:
        """The page's Content-Security-Policy."""
        names = ("asyncapi_js_url", "asyncapi_css_url", "try_it_out_plugin_url")
        urls = [self.page.get(name) for name in names]
        return content_security_policy(*urls, self.trying.get("tryUrl"))

    async def _answer(self, scope: Scope) -> ASGIApp:
        refusal = await verdict(self.guard, scope)
        if refusal is not None:
            return refusal
        headers = headers_of(scope)
        query = parse_qs((scope.get("query_string") or b"").decode("latin-1"))
        if "asset" in query:
            return self._asset(query["asset"][0], headers)
        if "format" in query:
            return text_answer(self.document, query["format"][0], headers)
        more = {"content_security_policy": self.policy, "referrer_policy": "same-origin"}
        return self.document.answer(self.html, HTML, headers, **more)

    def _asset(self, name: str, headers: Mapping[str, str]) -> AsgiResponse:
        try:
            found = asset(name)
        except KeyError:
            return AsgiResponse(b"There is no such file", 404, PLAIN_TEXT)
        reach = "private" if self.guard else "public"
        more = {"cache_control": f"{reach}, {FOR_EVER}", "vary": "accept-encoding"}
        content = found.content
        if "gzip" in headers.get("accept-encoding", ""):
            content = found.compressed
            more["content_encoding"] = "gzip"
        return self.document.answer(content, found.media_type, headers, **more)


def text_answer(document: ServedDocument, format: str, headers: Mapping[str, str]) -> AsgiResponse:
    """The document as text, or a 404 for a format that there is not."""
    if format not in FORMATS:
        return AsgiResponse(b"There is no such format", 404, PLAIN_TEXT)
    content = document.json if format == "json" else document.yaml
    return document.answer(content, FORMATS[format], headers)


def headers_of(scope: Scope) -> dict[str, str]:
    """Headers of a request by lower-case name."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
