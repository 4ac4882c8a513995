"""anystream in a Quart application: `setup(app, stream)`, or `Anystream(stream).init_app(app)`.

Mounted ASGI callables are served before Quart's routing: `before_request` and the like do not
see them, and Quart's limits of body size and response time do not apply.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, overload

from anystream.asgi.hosting import Hosted, hosted_of
from anystream.asgi.lifespan import host_asgi

try:
    from quart import Quart, current_app
except ImportError as error:
    raise ImportError('Quart is not installed: pip install "anystream[quart]"') from error

__all__ = ("Anystream", "get_broker", "setup")

B = TypeVar("B")


def setup(
    app: Quart,
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, Any]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Starts and stops `stream` with `app`, and mounts ASGI callables in it.

    The brokers start when `before_serving` and `while_serving` have run, and stop before
    `after_serving`. What is hosted is `current_app.extensions["anystream"]`.

    Args:
        app: the application, before it is started.
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
    hosted = Hosted(
        stream,
        host="quart",
        asgi_routes=asgi_routes,
        asyncapi_path=asyncapi_path,
        consume=consume,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    hosted.check_host(
        app,
        Quart,
        already="anystream" in getattr(app, "extensions", ()),
        started=hasattr(app, "shutdown_event"),
    )
    hosted.check_paths(rule.rule for rule in app.url_map.iter_rules())
    app.extensions["anystream"] = hosted
    outermost: Any = app  # Quart's types of scopes and messages are narrower than ASGI
    outermost.asgi_app = host_asgi(outermost.asgi_app, hosted)
    return hosted


@overload
def get_broker(place: Quart | None = None) -> Any: ...


@overload
def get_broker(place: Quart | None = None, *, kind: type[B]) -> B: ...


def get_broker(place: Quart | None = None, kind: type[Any] | None = None) -> Any:
    """The broker of the current application, in HTTP and websocket handlers and blueprints.

    Args:
        place: the application, where there is no current one.
        kind: the broker's type, to choose among several; the first one by default.

    Raises:
        NotStarted: the brokers are not started, or `setup` was not called.
        SetupError: there is no broker of that type.
    """
    app = current_app if place is None else place
    return hosted_of(None, app.extensions.get("anystream"), "quart").require(kind)


class Anystream:
    """The same as an extension, for an application that is made later.

    Args:
        stream: a FastStream application or a broker.
        app: the application, if there is one already.
        options: those of `setup`.
    """

    def __init__(self, stream: Any, app: Quart | None = None, **options: Any) -> None:
        self.stream = stream
        self.options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> Hosted:
        """Calls `setup` for an application."""
        return setup(app, self.stream, **self.options)

    @property
    def broker(self) -> Any:
        """The broker of the current application, see `get_broker`."""
        return get_broker()
