"""anystream in a Litestar application: `AnystreamPlugin(stream)`, or `setup(app, stream)`.

    app = Litestar([create_order], plugins=[AnystreamPlugin(NatsBroker())])

    @post("/orders")
    async def create_order(data: Order, anystream: NamedDependency[NatsBroker]) -> None:
        await anystream.publish(data, "orders")

Mounted ASGI callables are served before Litestar's router and middlewares: its own mounts take
paths that just begin alike, and hand on a scope that is not complete.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, overload

from anystream.asgi.hosting import Hosted, hosted_of
from anystream.asgi.lifespan import host_instance

try:
    from litestar import Litestar
    from litestar.config.app import AppConfig
    from litestar.connection import ASGIConnection
    from litestar.di import Provide
    from litestar.plugins import InitPlugin
except ImportError as error:
    raise ImportError('Litestar is not installed: pip install "anystream[litestar]"') from error

__all__ = ("AnystreamPlugin", "get_broker", "setup")

B = TypeVar("B")


def setup(
    app: Litestar,
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, Any]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Starts and stops `stream` with `app`, and mounts ASGI callables in it.

    The dependency `anystream` is the plugin's alone: the handlers of an application that exists
    are bound already. In them use `get_broker(request)`.

    Args:
        app: the application, before it is started.
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
        host="litestar",
        asgi_routes=asgi_routes,
        asyncapi_path=asyncapi_path,
        consume=consume,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    already = isinstance(app, Litestar) and "anystream" in app.state
    hosted.check_host(app, Litestar, already=already)
    hosted.check_paths(route.path for route in app.routes)
    app.state["anystream"] = hosted
    host_instance(app, hosted)
    return hosted


@overload
def get_broker(place: ASGIConnection[Any, Any, Any, Any] | Litestar) -> Any: ...


@overload
def get_broker(place: ASGIConnection[Any, Any, Any, Any] | Litestar, kind: type[B]) -> B: ...


def get_broker(
    place: ASGIConnection[Any, Any, Any, Any] | Litestar, kind: type[Any] | None = None
) -> Any:
    """The broker, in HTTP and websocket handlers, and those of mounted applications.

    Args:
        place: the request, the websocket or the application.
        kind: the broker's type, to choose among several; the first one by default.

    Raises:
        NotStarted: the brokers are not started, or `setup` was not called.
        SetupError: there is no broker of that type.
    """
    app = place.app if isinstance(place, ASGIConnection) else place
    scope: Any = place.scope if isinstance(place, ASGIConnection) else None
    return hosted_of(scope, app.state.get("anystream"), "litestar").require(kind)


class AnystreamPlugin(InitPlugin):
    """Does what `setup` does, and gives the broker to handlers that ask for it by name.

    Args:
        stream: a FastStream application or a broker.
        dependency_key: the name of the dependency; one of yours by the same name wins.
        options: those of `setup`.

    Raises:
        SetupError: an argument is not valid.
    """

    def __init__(self, stream: Any, *, dependency_key: str = "anystream", **options: Any) -> None:
        self.hosted = Hosted(stream, host="litestar", **options)
        self.dependency_key = dependency_key
        self._app: Litestar | None = None

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Called by Litestar with the application's configuration."""
        hosted = self.hosted
        hosted.check_host(app_config, AppConfig, already="anystream" in app_config.state)
        app_config.state["anystream"] = hosted
        provide = Provide(self._broker, sync_to_thread=False)
        app_config.dependencies = {self.dependency_key: provide, **app_config.dependencies}
        for broker in hosted.brokers:
            app_config.signature_namespace.setdefault(type(broker).__name__, type(broker))
        app_config.lifespan.append(self._until_stop)
        app_config.on_startup.append(hosted.start)
        return app_config

    def _broker(self) -> Any:
        return self.hosted.require()

    @asynccontextmanager
    async def _until_stop(self, app: Litestar) -> AsyncIterator[None]:
        """The last lifespan to be entered, the first to be left; the first to see the app."""
        if self._app is not app:
            self.hosted.check_paths(route.path for route in app.routes)
            host_instance(app, self.hosted)
            self._app = app
        try:
            yield
        finally:
            await self.hosted.stop()
