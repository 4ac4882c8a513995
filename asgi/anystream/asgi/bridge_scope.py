"""Builds the ASGI scope of a request that came in through a server that is not an ASGI server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from anystream.asgi.bridge_exchange import RawHeaders
from anystream.asgi.types import Scope

_HTTP_SPEC = "2.3"  # 2.4 would tell Starlette not to watch for the client leaving a silent stream
_WEBSOCKET_SPEC = "2.4"


def http_scope(
    *,
    method: str,
    raw_path: str,
    query: str,
    headers: Iterable[tuple[bytes, bytes]],
    http_version: str = "1.1",
    scheme: str = "http",
    root_path: str = "",
    client: tuple[str, int] | None = None,
    server: tuple[str, int | None] | None = None,
) -> Scope:
    """The scope of an HTTP request.

    Args:
        method: as the client sent it.
        raw_path: the path as the client sent it, percent-encoded, without the query.
        query: what follows the "?", percent-encoded.
        headers: as received, in order, repeated ones repeated, names in any case.
        http_version: "1.0" or "1.1".
        scheme: "http" or "https".
        root_path: the prefix at which an enclosing application is mounted.
        client: address and port of the client; None when unknown.
        server: address and port of the server; None when unknown.
    """
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": _HTTP_SPEC},
        "http_version": http_version,
        "method": method.upper(),
        "scheme": scheme,
        "path": unquote(raw_path) if "%" in raw_path else raw_path,
        "raw_path": raw_path.encode("utf-8", "surrogateescape"),
        "query_string": query.encode("utf-8", "surrogateescape"),
        "root_path": root_path,
        "headers": [(name.lower(), value) for name, value in headers],
        "client": client,
        "server": server,
        "extensions": {},
    }


def websocket_scope(**request: Any) -> Scope:
    """The scope of a websocket handshake; takes what `http_scope` takes."""
    scope = http_scope(**request)
    del scope["method"]
    scope["type"] = "websocket"
    scope["asgi"] = {"version": "3.0", "spec_version": _WEBSOCKET_SPEC}
    scope["scheme"] = "wss" if scope["scheme"] in ("https", "wss") else "ws"
    scope["subprotocols"] = _subprotocols(scope["headers"])
    scope["extensions"] = {"websocket.http.response": {}}
    return scope


def _subprotocols(headers: RawHeaders) -> list[str]:
    offered: list[str] = []
    for name, value in headers:
        if name == b"sec-websocket-protocol":
            offered += [part.strip() for part in value.decode("latin-1").split(",")]
    return [name for name in offered if name]
