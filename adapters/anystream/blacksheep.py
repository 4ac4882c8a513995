"""anystream in a BlackSheep application: `setup(app, stream)`, or `use_anystream(app, stream)`.

    use_anystream(app, NatsBroker())

    @post("/orders")
    async def create_order(data: FromJSON[Order], broker: NatsBroker) -> None:
        await broker.publish(data.value, "orders")

Mounted ASGI callables are served before BlackSheep's routing and middlewares.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, overload

from anystream.asgi.hosting import SCOPE_KEY, Hosted, hosted_of
from anystream.asgi.lifespan import traceback_of
from anystream.asgi.types import Message, Receive, Scope, Send

try:
    from blacksheep import Application, Request, WebSocket
    from blacksheep.server.application import MountMixin
except ImportError as error:
    raise ImportError('BlackSheep is not installed: pip install "anystream[blacksheep]"') from error

__all__ = ("get_broker", "setup", "use_anystream")

B = TypeVar("B")
logger = logging.getLogger("anystream.hosting")


def setup(
    app: Application,
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, Any]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Starts and stops `stream` with `app`, and mounts ASGI callables in it.

    The brokers start when `on_start` and `after_start` have run, and stop before `on_stop`. Each
    broker is a service by its type; of several of one type the first one is.

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
        host="blacksheep",
        asgi_routes=asgi_routes,
        asyncapi_path=asyncapi_path,
        consume=consume,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    started = bool(getattr(app, "started", False))
    hosted.check_host(app, Application, already=isinstance(app, _Hosting), started=started)
    hosted.check_paths(_paths_of(app))
    app.extend(MountMixin)  # first: what is mixed in later would come before us
    app.extend(_Hosting)
    app.anystream = hosted  # type: ignore[attr-defined]
    _add_services(app.services, hosted)
    return hosted


use_anystream = setup


@overload
def get_broker(place: Request | WebSocket | Application) -> Any: ...


@overload
def get_broker(place: Request | WebSocket | Application, kind: type[B]) -> B: ...


def get_broker(place: Request | WebSocket | Application, kind: type[Any] | None = None) -> Any:
    """The broker, in HTTP and websocket handlers, and those of mounted applications.

    Args:
        place: the request, the websocket or the application.
        kind: the broker's type, to choose among several; the first one by default.

    Raises:
        NotStarted: the brokers are not started, or `setup` was not called.
        SetupError: there is no broker of that type.
    """
    scope: Any = getattr(place, "scope", None)
    return hosted_of(scope, getattr(place, "anystream", None), "blacksheep").require(kind)


def _paths_of(app: Application) -> list[str]:
    routes = getattr(app.router, "iter_all", app.router.__iter__)()
    patterns = [getattr(route, "pattern", b"") for route in routes]
    return [pattern.decode() for pattern in patterns if isinstance(pattern, bytes)]


def _add_services(services: Any, hosted: Hosted) -> None:
    services.register(Hosted, instance=hosted)
    by_factory = getattr(services, "add_transient_by_factory", None)
    for kind, broker in {type(broker): broker for broker in reversed(hosted.brokers)}.items():
        if kind in services:
            continue
        if by_factory is None:  # a container of the user's own, which knows `register` only
            services.register(kind, instance=broker)
        else:
            by_factory(partial(hosted.require, kind), kind)


class _Hosting:
    """What `Application.extend` mixes in: the brokers' life and our paths."""

    anystream: Hosted
    started: bool
    start_error: BaseException | None = None

    async def start(self) -> None:
        if self.started:
            await self._host.start()
            await self.anystream.start()
            return
        self.start_error = None
        try:
            await self._host.start()
            try:
                await self.anystream.start()
            except BaseException:
                with suppress(Exception):  # it is logged
                    await self.stop()
                raise
        except BaseException as error:
            self.start_error = error
            self.started = False
            raise

    async def stop(self) -> None:
        await self.anystream.stop()
        try:
            await self._host.stop()
        except Exception:
            # A server that takes this for a missing lifespan would not show it.
            logger.exception("The application failed to shut down")
            raise

    async def handle(self, request: Request) -> Any:
        scope: Any = request.scope  # BlackSheep's test client begins here, not in __call__
        scope.setdefault(SCOPE_KEY, self.anystream)
        return await self._host.handle(request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if not self.started:
            # BlackSheep would start itself at the first request, and never stop.
            self.anystream.report_not_started()
            await self._host.start()
        if not await self.anystream.dispatch(scope, receive, send):
            await self._host.__call__({**scope, SCOPE_KEY: self.anystream}, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the reason to `startup.failed`, and stops the brokers if the server just cancels."""

        failed = False

        async def explained(message: Message) -> None:
            nonlocal failed
            error = self.start_error
            if message["type"] == "lifespan.startup.failed":
                await self.anystream.stop()  # hypercorn serves if anything is waited for later
                failed = True
                if error is not None:
                    message = {**message, "message": traceback_of(error)}
            await send(message)

        try:
            await self._host.__call__(scope, receive, explained)
        finally:
            if not failed:
                await self.anystream.stop()
        if self.start_error is not None:
            raise self.start_error

    @property
    def _host(self) -> Any:
        return super()
