"""anystream in a Starlette application: `setup(app, stream)` and `get_broker(request)`.

Mounted ASGI callables run behind your middlewares and come before your own routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, overload

from anystream.asgi.hosting import SCOPE_KEY, Hosted, hosted_of
from anystream.asgi.routing import Route, relative_path

try:
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection
    from starlette.routing import BaseRoute, Match, NoMatchFound
    from starlette.types import Receive, Scope, Send
except ImportError as error:
    raise ImportError('Starlette is not installed: pip install "anystream[starlette]"') from error

__all__ = ("get_broker", "setup")

B = TypeVar("B")


def setup(
    app: Starlette,
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, Any]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Starts and stops `stream` with `app`, and mounts ASGI callables in it.

    The brokers start when your own lifespan has started, and stop before it stops.

    Args:
        app: the outermost application: Starlette runs no lifespan of a mounted one.
        stream: a FastStream application or a broker.
        asgi_routes: pairs of a path and an ASGI callable.
        asyncapi_path: where to serve the AsyncAPI document: a path or an `AsyncAPIRoute`.
        consume: False connects the brokers, for publishing, and starts no subscriber.
        start_timeout: seconds each broker may take to start; None for no limit.
        stop_timeout: seconds each broker may take to stop; None for no limit.

    Raises:
        SetupError: an argument is not valid, a path is taken, or `app` has started or was set up
            before.
    """
    return install(
        Hosted(
            stream,
            host="starlette",
            asgi_routes=asgi_routes,
            asyncapi_path=asyncapi_path,
            consume=consume,
            start_timeout=start_timeout,
            stop_timeout=stop_timeout,
        ),
        app,
        Starlette,
    )


def install(hosted: Hosted, app: Starlette, kind: type[Starlette]) -> Hosted:
    """Puts what is hosted into an application of `kind`; `setup` without the arguments."""
    hosted.check_host(
        app,
        kind,
        already=isinstance(app, kind) and hasattr(app.state, "anystream"),
        started=getattr(app, "middleware_stack", None) is not None,
    )
    hosted.check_paths(getattr(route, "path", "") for route in app.routes)
    app.state.anystream = hosted
    app.router.lifespan_context = _around(app.router.lifespan_context, hosted)
    app.router.routes[0:0] = [_Watch(hosted), *(_Mounted(route) for route in hosted.routes)]
    return hosted


@overload
def get_broker(place: HTTPConnection | Starlette) -> Any: ...


@overload
def get_broker(place: HTTPConnection | Starlette, kind: type[B]) -> B: ...


def get_broker(place: HTTPConnection | Starlette, kind: type[Any] | None = None) -> Any:
    """The broker, in HTTP and websocket endpoints, and those of mounted applications.

    Args:
        place: the request, the websocket or the application.
        kind: the broker's type, to choose among several; the first one by default.

    Raises:
        NotStarted: the brokers are not started, or `setup` was not called.
        SetupError: there is no broker of that type.
    """
    app = place.app if isinstance(place, HTTPConnection) else place
    scope = place.scope if isinstance(place, HTTPConnection) else None
    return hosted_of(scope, getattr(app.state, "anystream", None), "starlette").require(kind)


def _around(
    lifespan: Callable[[Any], AbstractAsyncContextManager[Any]], hosted: Hosted
) -> Callable[[Any], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def with_brokers(app: Any) -> AsyncIterator[Any]:
        async with lifespan(app) as state:
            try:
                await hosted.start()
                yield state
            finally:
                await hosted.stop()

    return with_brokers


class _Watch(BaseRoute):
    """Matches nothing: sees each request, notices when nobody runs the lifespan."""

    path = ""

    def __init__(self, hosted: Hosted) -> None:
        self.hosted = hosted

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        scope[SCOPE_KEY] = self.hosted
        if not self.hosted.running:
            self.hosted.report_not_started()
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)


class _Mounted(BaseRoute):
    """One of our paths among Starlette's routes; unlike its own mounts it never redirects."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.path = route.path or "/"

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        kind = scope["type"]
        if kind != "http" and (kind != "websocket" or self.route.exact):
            return Match.NONE, {}
        if not self.route.matches(relative_path(scope)):
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self.route.app}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = self.route.scope_for(scope)
        own.pop("router", None)  # a mounted Starlette application sets its own
        await self.route.app(own, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)
