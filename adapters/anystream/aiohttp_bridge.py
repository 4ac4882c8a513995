"""ASGI callables in aiohttp: a handler for each mount, and scopes made of requests."""

from __future__ import annotations

from typing import Any

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web

from anystream.aiohttp_peers import HttpPeer, WebSocketPeer, text_pairs
from anystream.asgi.bridge import Bridge, http_scope, websocket_scope
from anystream.asgi.endpoint import endpoint_at, no_body
from anystream.asgi.response import CONTENT_LENGTH, AsgiResponse
from anystream.asgi.routing import RouteTable, relative_path
from anystream.asgi.types import ASGIApp, Scope

_HTTP_VERSIONS = {HttpVersion10: "1.0", HttpVersion11: "1.1"}
_BODILESS = (204, 304)


class Mount:
    """Answers requests at one of the host's resources with the ASGI callable for their path.

    Args:
        bridge: runs ASGI callables.
        routes: the mounts of the application.
        resource: where `serve` is registered.
    """

    def __init__(self, bridge: Bridge, routes: RouteTable, resource: web.Resource) -> None:
        self._bridge = bridge
        self._routes = routes
        self._resource = resource
        # A sub-application's resources get its prefix later: the callables' outer root_path.
        self._registered_as = resource.canonical
        is_plain = isinstance(resource, web.PlainResource)
        self._endpoint = endpoint_at(routes.match(resource.canonical)) if is_plain else None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The handler of all methods."""
        endpoint = self._endpoint
        if endpoint is None or endpoint.reads == "body" or _is_websocket(request):
            return await self._serve_asgi(request)
        scope: Scope = {"type": "http", "method": request.method}
        if endpoint.reads == "scope":
            scope = self._scope(request)
        answer = endpoint.response_to(scope, no_body)
        response: Any = answer if isinstance(answer, AsgiResponse) else await answer
        if type(response) is AsgiResponse:
            return _native(response, request)
        if response is None:
            return web.Response()
        return await self._bridged(response, self._scope(request), request, inline=True)

    async def _serve_asgi(self, request: web.Request) -> web.StreamResponse:
        is_websocket = _is_websocket(request)
        scope = self._scope(request, is_websocket)
        route = self._routes.match(relative_path(scope))
        if route is None or (route.exact and is_websocket):
            raise web.HTTPNotFound
        if is_websocket:
            socket = WebSocketPeer(request)
            await self._bridge.serve_websocket(route.app, route.scope_for(scope), socket)
            return socket.response or web.Response()
        own = scope if route.exact else route.scope_for(scope)
        return await self._bridged(route.app, own, request, inline=route.exact)

    async def _bridged(
        self, app: ASGIApp, scope: Scope, request: web.Request, *, inline: bool
    ) -> web.StreamResponse:
        peer = HttpPeer(request)
        await self._bridge.serve_http(app, scope, peer, inline=inline)
        return peer.response or web.Response()

    def _scope(self, request: web.Request, is_websocket: bool = False) -> Scope:
        canonical = self._resource.canonical
        root_path = canonical[: len(canonical) - len(self._registered_as)]
        return _scope(request, root_path, is_websocket)


def _is_websocket(request: web.Request) -> bool:
    upgrade = request.headers.get(hdrs.UPGRADE)
    return upgrade is not None and upgrade.lower() == "websocket"


def _native(response: AsgiResponse, request: web.Request) -> web.Response:
    status, raw = response.status_code, response.raw_headers
    if not response.body or request.method == "HEAD" or status in _BODILESS:
        return web.Response(status=status, headers=text_pairs(raw) if raw else None)
    # aiohttp counts the body itself; mostly there is no other header
    headers = None if len(raw) == 1 and raw[0][0] == CONTENT_LENGTH else text_pairs(raw)
    return web.Response(status=status, headers=headers, body=response.body)


def _scope(request: web.Request, root_path: str, is_websocket: bool) -> Scope:
    transport = request.transport
    client: Any = None if transport is None else transport.get_extra_info("peername")
    server: Any = None if transport is None else transport.get_extra_info("sockname")
    build = websocket_scope if is_websocket else http_scope
    return build(
        method=request.method,
        raw_path=request.rel_url.raw_path,
        query=request.rel_url.raw_query_string,
        headers=request.raw_headers,
        http_version=_HTTP_VERSIONS.get(request.version, "1.1"),
        scheme=request.scheme,
        root_path=root_path,
        client=client[:2] if isinstance(client, tuple) else None,
        server=server[:2] if isinstance(server, tuple) else None,
    )
