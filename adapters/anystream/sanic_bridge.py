"""ASGI callables in Sanic: the answer to a request at a mount, and scopes made of requests."""

from __future__ import annotations

from typing import Any, cast

from multidict import istr
from sanic import HTTPResponse, Request
from sanic.exceptions import NotFound

from anystream.asgi.bridge import Bridge, http_scope, websocket_scope
from anystream.asgi.bridge_exchange import logger
from anystream.asgi.endpoint import Endpoint, no_body
from anystream.asgi.response import CONTENT_LENGTH, AsgiResponse
from anystream.asgi.routing import Route, RouteTable, relative_path
from anystream.asgi.types import ASGIApp, Message, Scope
from anystream.sanic_peers import NO_TYPE, HttpPeer, WebSocketPeer, native_response

_BODILESS = (204, 304)
_UPGRADE = istr("upgrade")


async def serve(
    bridge: Bridge, routes: RouteTable, endpoint: Endpoint | None, request: Request
) -> HTTPResponse | None:
    """Answer a request with the ASGI callable that `routes` has for its path.

    Args:
        bridge: runs the callable.
        routes: the mounts of the application.
        endpoint: what is at the request's very path, if that is an endpoint.
        request: the request.
    """
    asgi = request.app.asgi
    if asgi or endpoint is None or endpoint.reads == "body" or _is_websocket(request):
        return await _serve_asgi(bridge, routes, request)
    scope: Scope = {"type": "http", "method": request.method}
    if endpoint.reads == "scope":
        scope = _scope(request, False)
    answer = endpoint.response_to(scope, no_body)
    response: Any = answer if isinstance(answer, AsgiResponse) else await answer
    if type(response) is AsgiResponse:
        return _native(response, request)
    if response is None:
        return HTTPResponse()
    return await _bridged(bridge, response, _scope(request, False), request, inline=True)


async def _serve_asgi(bridge: Bridge, routes: RouteTable, request: Request) -> HTTPResponse | None:
    served_by_asgi = request.app.asgi
    is_websocket = _is_websocket(request)
    scope = request.transport.scope if served_by_asgi else _scope(request, is_websocket)
    route = routes.match(relative_path(scope))
    if route is None or (route.exact and is_websocket):
        raise NotFound(f"Requested URL {request.path} not found")
    if served_by_asgi:
        await _hand_through(route, route.scope_for(scope), request)
        return None
    if is_websocket:
        socket = WebSocketPeer(request)
        await bridge.serve_websocket(route.app, route.scope_for(scope), socket)
        return socket.response
    own = scope if route.exact else route.scope_for(scope)
    return await _bridged(bridge, route.app, own, request, inline=route.exact)


async def _bridged(
    bridge: Bridge, app: ASGIApp, scope: Scope, request: Request, *, inline: bool
) -> HTTPResponse | None:
    peer = HttpPeer(request)
    await bridge.serve_http(app, scope, peer, inline=inline)
    return peer.response


async def _hand_through(route: Route, scope: Scope, request: Request) -> None:
    transport: Any = request.transport
    started = False

    async def send(message: Message) -> None:
        nonlocal started
        started = True
        await transport.send(message)

    try:
        await route.app(scope, transport.receive, send)
    except Exception:
        if not started:
            raise
        # Sanic would start a second answer; returning lets the server see that this one is short.
        logger.exception("ASGI callable at %s failed in the middle of its answer", scope["path"])
    request.responded = True


def _is_websocket(request: Request) -> bool:
    if request.app.asgi:
        return bool(request.transport.scope["type"] == "websocket")
    upgrade = request.headers.get(_UPGRADE)
    return upgrade is not None and upgrade.lower() == "websocket"


def _scope(request: Request, is_websocket: bool) -> Scope:
    connection = cast(Any, request.conn_info)
    client, server = connection.peername, connection.sockname
    build = websocket_scope if is_websocket else http_scope
    return build(
        method=request.method,
        raw_path=request.path,
        query=request.query_string,
        headers=[
            (name.encode("latin-1"), value.encode("utf-8", "surrogateescape"))
            for name, value in request.headers.items()
        ],
        http_version=request.version,
        scheme="https" if connection.ssl else "http",
        client=client[:2] if isinstance(client, tuple) else None,
        server=server[:2] if isinstance(server, tuple) else None,
    )


def _native(response: AsgiResponse, request: Request) -> HTTPResponse:
    body, raw = response.body, response.raw_headers
    if request.method == "HEAD" or response.status_code in _BODILESS:
        body = b""
    elif len(raw) == 1 and raw[0][0] == CONTENT_LENGTH:
        raw = []  # mostly there is no other header, and this one Sanic makes itself
    if raw:
        headers = [pair for pair in raw if pair[0] != b"transfer-encoding"]
        return native_response(response.status_code, headers, body)
    return HTTPResponse(body, response.status_code, None, NO_TYPE)
