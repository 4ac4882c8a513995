"""anystream in a Sanic application: `setup(app, stream)` and `get_broker(request)`.

Works on Sanic's own server and in its ASGI mode. Mounted ASGI callables run behind your
middlewares and are reached by the methods that Sanic knows; others, such as PURGE, get its 405.
On Sanic's own server the extra headers of a `websocket.accept` are not sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar, overload

from anystream.asgi.bridge import Bridge
from anystream.asgi.endpoint import Endpoint, endpoint_at
from anystream.asgi.hosting import Hosted
from anystream.asgi.routing import Route
from anystream.asgi.types import ASGIApp
from anystream.core.exceptions import NotStarted

try:
    from sanic import HTTPResponse, Request, Sanic
    from sanic.constants import HTTP_METHODS
except ImportError as error:
    raise ImportError('Sanic is not installed: pip install "anystream[sanic]"') from error

from anystream.sanic_bridge import serve

__all__ = ("get_broker", "setup")

B = TypeVar("B")

_LAST = -1000  # the lowest priority starts last and stops first


def setup(
    app: Sanic[Any, Any],
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, ASGIApp]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Start and stop `stream` with each worker of `app` and mount ASGI callables in it.

    What it returns is also at `app.ctx.anystream`.

    Args:
        app: the Sanic application, before it is started.
        stream: a FastStream application or a broker.
        asgi_routes: pairs of a path and an ASGI callable.
        asyncapi_path: where to serve the AsyncAPI document: a path or an `AsyncAPIRoute`.
        consume: False connects the brokers, for publishing, and starts no subscriber.
        start_timeout: seconds each broker may take to start; None waits for ever.
        stop_timeout: seconds each broker, and what still runs in a mount, may take to stop.

    Raises:
        SetupError: an argument is not valid, `app` has started or was set up before, or a route
            of yours has the path of a mount.
    """
    hosted = Hosted(
        stream,
        host="sanic",
        asgi_routes=asgi_routes,
        asyncapi_path=asyncapi_path,
        consume=consume,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    is_app = isinstance(app, Sanic)
    hosted.check_host(
        app,
        Sanic,
        already=is_app and hasattr(app.ctx, "anystream"),
        started=is_app and app.state.is_started,
    )
    bridge = Bridge()
    _mount(app, hosted, bridge)
    _attach(app, hosted, bridge, stop_timeout)
    app.ctx.anystream = hosted
    return hosted


def _attach(
    app: Sanic[Any, Any], hosted: Hosted, bridge: Bridge, stop_timeout: float | None
) -> None:
    # Sanic still offers the loop to a listener that takes two arguments.
    async def start(*_: Any) -> None:
        await hosted.start()

    async def close_websockets(*_: Any) -> None:
        await bridge.close_websockets()

    async def stop(*_: Any) -> None:
        await bridge.close(stop_timeout)
        await hosted.stop()

    app.before_server_start(start, priority=_LAST)
    app.before_server_stop(close_websockets, priority=_LAST)
    app.after_server_stop(stop, priority=_LAST)


def _mount(app: Sanic[Any, Any], hosted: Hosted, bridge: Bridge) -> None:
    taken = {route.path.strip("/") for route in app.router.routes}
    for route in hosted.routes:
        if route.path.strip("/") in taken:
            raise hosted.path_taken(route.path or "/")
    patterns = [(route, pattern) for route in hosted.routes for pattern in _patterns(route)]
    for number, (route, pattern) in enumerate(patterns):
        app.add_route(
            _handler(hosted, bridge, None if "<" in pattern else endpoint_at(route)),
            pattern,
            methods=HTTP_METHODS,
            name=f"anystream_{number}",
            strict_slashes=True,
            stream=True,
        )
    if patterns:
        app.enable_websocket()


def _patterns(route: Route) -> list[str]:
    below = "/" if route.exact else "/<tail:path>"
    return list(dict.fromkeys((route.path or "/", route.path + below)))


def _handler(hosted: Hosted, bridge: Bridge, endpoint: Endpoint | None) -> Any:
    def serve_mount(request: Request, tail: str = "") -> Awaitable[HTTPResponse | None]:
        return serve(bridge, hosted.routes, endpoint, request)

    # Without it Sanic takes a handler that returns nothing for a mistake.
    serve_mount.is_websocket = True  # type: ignore[attr-defined]
    _hide_from_openapi(serve_mount)
    return serve_mount


def _hide_from_openapi(handler: Any) -> None:
    try:
        from sanic_ext import openapi
    except ImportError:
        return
    openapi.exclude()(handler)


@overload
def get_broker(source: Request | Sanic[Any, Any]) -> Any: ...
@overload
def get_broker(source: Request | Sanic[Any, Any], kind: type[B]) -> B: ...
def get_broker(source: Request | Sanic[Any, Any], kind: type[Any] | None = None) -> Any:
    """The started broker, for a handler, a websocket handler or a background task.

    Args:
        source: the request, or the application.
        kind: the broker's class, where the stream has several brokers.

    Raises:
        NotStarted: the application was not set up, or has not started its brokers.
        SetupError: there is no broker of that class.
    """
    app = source if isinstance(source, Sanic) else source.app
    hosted = getattr(app.ctx, "anystream", None)
    if not isinstance(hosted, Hosted):
        raise NotStarted(
            "There is no broker in this Sanic application. Call `anystream.sanic.setup(app,"
            " stream)` where the application is made."
        )
    return hosted.require(kind)
