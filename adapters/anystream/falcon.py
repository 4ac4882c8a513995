"""anystream in a Falcon ASGI application: `setup(app, stream)` and `req.context.anystream`.

Mounted ASGI callables are served before Falcon's routing and middlewares.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, overload

from anystream.asgi.hosting import Hosted, hosted_of
from anystream.asgi.lifespan import host_instance

try:
    from falcon.asgi import App, Request
    from falcon.inspect import inspect_routes
except ImportError as error:
    raise ImportError('Falcon is not installed: pip install "anystream[falcon]"') from error

__all__ = ("get_broker", "setup")

B = TypeVar("B")


def setup(
    app: App[Any, Any],
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, Any]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Starts and stops `stream` with `app`, and mounts ASGI callables in it.

    The brokers start when every middleware's `process_startup` has run, and stop before their
    `process_shutdown`. What is hosted is `req.context.anystream`, and has the `broker`.

    Args:
        app: a `falcon.asgi.App`, before it is started; a WSGI `falcon.App` is refused.
        stream: a FastStream application or a broker.
        asgi_routes: pairs of a path and an ASGI callable.
        asyncapi_path: where to serve the AsyncAPI document: a path or an `AsyncAPIRoute`.
        consume: False connects the brokers, for publishing, and starts no subscriber.
        start_timeout: seconds each broker may take to start; None for no limit.
        stop_timeout: seconds each broker may take to stop; None for no limit.

    Raises:
        SetupError: an argument is not valid, a path is taken, or `app` was set up before.
    """
    hosted = Hosted(
        stream,
        host="falcon",
        asgi_routes=asgi_routes,
        asyncapi_path=asyncapi_path,
        consume=consume,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    hosted.check_host(app, App, already=hasattr(type(app), _KEPT))
    hosted.check_paths(_paths_of(app))
    app.add_middleware(_Context(hosted))
    host_instance(app, hosted)
    setattr(type(app), _KEPT, hosted)
    return hosted


@overload
def get_broker(place: Request | App[Any, Any]) -> Any: ...


@overload
def get_broker(place: Request | App[Any, Any], kind: type[B]) -> B: ...


def get_broker(place: Request | App[Any, Any], kind: type[Any] | None = None) -> Any:
    """The broker, in responders of HTTP requests and websockets.

    Args:
        place: the request or the application.
        kind: the broker's type, to choose among several; the first one by default.

    Raises:
        NotStarted: the brokers are not started, or `setup` was not called.
        SetupError: there is no broker of that type.
    """
    scope = place.scope if isinstance(place, Request) else None
    return hosted_of(scope, getattr(type(place), _KEPT, None), "falcon").require(kind)


_KEPT = "anystream_hosted"  # on the type: an application has slots and no place for more


class _Context:
    """Puts what is hosted into the context of each request."""

    def __init__(self, hosted: Hosted) -> None:
        self.hosted = hosted

    async def process_request(self, req: Any, resp: Any) -> None:
        req.context.anystream = self.hosted

    async def process_request_ws(self, req: Any, ws: Any) -> None:
        req.context.anystream = self.hosted


def _paths_of(app: App[Any, Any]) -> list[str]:
    try:
        return [route.path for route in inspect_routes(app)]
    except TypeError:
        return []  # a router of the user's own that cannot be looked into
