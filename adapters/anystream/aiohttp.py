"""anystream in an aiohttp application: `setup(app, stream)` and `get_broker(request)`.

Call `setup` last, after your own start-up hooks: aiohttp runs them in the order they were added.
Mounted ASGI callables run behind your middlewares; `client_max_size` does not limit them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar, overload

from anystream.asgi.bridge import Bridge
from anystream.asgi.hosting import Hosted
from anystream.asgi.routing import Route
from anystream.asgi.types import ASGIApp
from anystream.core.exceptions import NotStarted

try:
    from aiohttp import web
except ImportError as error:
    raise ImportError('aiohttp is not installed: pip install "anystream[aiohttp]"') from error

from anystream.aiohttp_bridge import Mount

__all__ = ("STREAM", "get_broker", "setup")

STREAM = web.AppKey("anystream", Hosted)
"""Where `setup` leaves what it returns: `request.config_dict[STREAM].broker`."""

B = TypeVar("B")


def setup(
    app: web.Application,
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, ASGIApp]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Start and stop `stream` with `app` and mount ASGI callables in it.

    Args:
        app: the aiohttp application, or a sub-application, before it is started or joined.
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
        host="aiohttp",
        asgi_routes=asgi_routes,
        asyncapi_path=asyncapi_path,
        consume=consume,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    is_app = isinstance(app, web.Application)
    hosted.check_host(
        app, web.Application, already=is_app and STREAM in app, started=is_app and app.pre_frozen
    )
    bridge = Bridge()
    _mount(app, hosted, bridge)
    _attach(app, hosted, bridge, stop_timeout)
    app[STREAM] = hosted
    return hosted


def _attach(
    app: web.Application, hosted: Hosted, bridge: Bridge, stop_timeout: float | None
) -> None:
    async def start(_: web.Application) -> None:
        await hosted.start()

    async def close_websockets(_: web.Application) -> None:
        await bridge.close_websockets()

    async def stop(_: web.Application) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await bridge.close(stop_timeout)
            await hosted.stop()

    app.on_startup.append(start)  # after every cleanup_ctx
    app.on_shutdown.append(close_websockets)
    app.cleanup_ctx.append(stop)  # before every on_cleanup, and reached after a failed start


def _mount(app: web.Application, hosted: Hosted, bridge: Bridge) -> None:
    taken = {resource.canonical for resource in app.router.resources()}
    for route in hosted.routes:
        if not taken.isdisjoint((route.path or "/", route.path + "/")):
            raise hosted.path_taken(route.path or "/")
    for route in hosted.routes:
        for pattern in _patterns(route):
            resource = app.router.add_resource(pattern)
            resource.add_route("*", Mount(bridge, hosted.routes, resource).serve)


def _patterns(route: Route) -> list[str]:
    below = "/" if route.exact else "/{tail:.*}"
    return list(dict.fromkeys((route.path or "/", route.path + below)))


@overload
def get_broker(source: web.Request | web.Application) -> Any: ...
@overload
def get_broker(source: web.Request | web.Application, kind: type[B]) -> B: ...
def get_broker(source: web.Request | web.Application, kind: type[Any] | None = None) -> Any:
    """The started broker, for a handler, a websocket handler or a background task.

    Args:
        source: the request (of a sub-application, too) or the application given to `setup`.
        kind: the broker's class, where the stream has several brokers.

    Raises:
        NotStarted: the application was not set up, or has not started its brokers.
        SetupError: there is no broker of that class.
    """
    apps = source if isinstance(source, web.Application) else source.config_dict
    if STREAM not in apps:
        raise NotStarted(
            "There is no broker in this aiohttp application. Call `anystream.aiohttp.setup(app,"
            " stream)` for it or for the application it is joined to; in a sub-application pass"
            " the request to `get_broker`."
        )
    return apps[STREAM].require(kind)
