"""The built-in ASGI application: brokers, hooks, and a few HTTP endpoints."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypedDict

from fast_depends import Provider
from fast_depends.library.serializer import SerializerProto
from typing_extensions import Self, Unpack

from anystream.asgi.asyncapi import AsyncAPIRoute, asyncapi_routes
from anystream.asgi.endpoint import Endpoint
from anystream.asgi.handlers import HttpHandler
from anystream.asgi.hosting import Hosted
from anystream.asgi.methods import ByMethod
from anystream.asgi.refusals import body_for, refuse_path
from anystream.asgi.response import AsgiResponse
from anystream.asgi.routing import RouteTable
from anystream.asgi.serving import Listeners, make_server
from anystream.asgi.types import ASGIApp, Receive, Scope, Send
from anystream.core.app import FastStream
from anystream.core.context import ContextRepo
from anystream.core.lifecycle import Lifecycle

Routes = Iterable[tuple[str, ASGIApp]]

DRAIN, STOP_MARGIN = 15.0, 5.0  # seconds; a broker has what it drains itself, and a few more


class AppOptions(TypedDict, total=False):
    """The options of `FastStream`, which has their meaning."""

    logger: Any
    provider: Provider | None
    serializer: SerializerProto | None
    context: ContextRepo | None
    lifespan: Callable[..., Any] | None
    on_startup: Sequence[Callable[..., Any]]
    after_startup: Sequence[Callable[..., Any]]
    on_shutdown: Sequence[Callable[..., Any]]
    after_shutdown: Sequence[Callable[..., Any]]
    specification: Any


class AsgiFastStream(FastStream):
    """A FastStream application that any ASGI server runs.

    The brokers have started before the server takes a request; if one cannot start, the server
    is told why and nothing is left running. They stop when the last request is done.

    Args:
        *brokers: the brokers, in the order of their start; none for an application that only
            hosts another one (see `setup`).
        asgi_routes: pairs of a path and an ASGI callable, see `mount`.
        asyncapi_path: where the page of the AsyncAPI document is; the document itself is at
            `<path>.json` and `<path>.yaml`, and `<path>/try` takes messages to try.
        options: those of `FastStream`.

    Raises:
        SetupError: a path is taken twice or does not begin with a slash, or something that is
            mounted is no ASGI callable.
    """

    def __init__(
        self,
        *brokers: Any,
        asgi_routes: Routes = (),
        asyncapi_path: str | AsyncAPIRoute | None = None,
        **options: Unpack[AppOptions],
    ) -> None:
        super().__init__(*brokers, **options)
        self.routes: list[tuple[str, ASGIApp]] = []
        self.hosted: list[Hosted] = []
        self._table = RouteTable()
        self._documented: list[tuple[str, HttpHandler]] = []
        self._endpoints: dict[str, Endpoint] = {}
        self._lifecycle = Lifecycle(_Hooks(self))
        self._options: Mapping[str, Any] = {}
        self._start_error: BaseException | None = None
        self._starting: asyncio.Task[Any] | None = None
        self._abandoned = False
        self._complaint_due = True
        self._server: Any = None
        self.listeners: Listeners | None = None  # opened by who runs several processes
        self._add_routes(asgi_routes, asyncapi_path)

    @classmethod
    def from_app(
        cls,
        app: FastStream,
        asgi_routes: Routes = (),
        asyncapi_path: str | AsyncAPIRoute | None = None,
    ) -> Self:
        """Makes an ASGI application of another one.

        Brokers, hooks, lifespan, context, dependencies and specification stay shared: what is
        added to one of the two later, the other one has, too.

        Args:
            app: the application.
            asgi_routes: pairs of a path and an ASGI callable.
            asyncapi_path: where the AsyncAPI document is.
        """
        twin = cls(
            logger=app.logger,
            provider=app.config.provider,
            serializer=app.config.serializer,
            context=app.context,
            lifespan=app.lifespan,
            specification=app.specification,
        )
        twin.brokers = app.brokers
        twin.hooks = app.hooks
        twin._add_routes(asgi_routes, asyncapi_path)
        return twin

    @property
    def broker(self) -> Any:
        """The first broker, be it of an application that is hosted; None if there is none."""
        brokers = [*self.brokers, *(broker for hosted in self.hosted for broker in hosted.brokers)]
        return brokers[0] if brokers else None

    @property
    def started(self) -> bool:
        """Whether the application runs."""
        return self._lifecycle.running

    def mount(self, path: str, app: ASGIApp) -> None:
        """Serves an ASGI callable at a path.

        Endpoints made by `get`, `post`, `make_ping_asgi` and `make_asyncapi_asgi` answer at that
        very path. Anything else gets all below it, too, with the path in `root_path`; the longest
        path wins.

        Args:
            path: begins with a slash.
            app: the ASGI callable; also reached by websockets.

        Raises:
            SetupError: the path is taken or does not begin with a slash, or `app` is no ASGI
                callable.
            BindingError: an argument of an endpoint can never have a value.
        """
        mounted = self._mount(path, app)
        if isinstance(mounted, HttpHandler) and mounted.include_in_schema:
            self._documented.append((path, mounted))
            if self.specification is not None:
                self._describe()

    def _mount(self, path: str, app: ASGIApp) -> ASGIApp:
        if isinstance(app, HttpHandler):
            app = app.attached_to(self)
        route = self._table.add(path, app)
        self.routes.append((path, app))
        if route.exact and isinstance(route.app, (HttpHandler, ByMethod)):
            self._endpoints[path] = route.app
        return app

    def _add_routes(self, asgi_routes: Routes, asyncapi_path: str | AsyncAPIRoute | None) -> None:
        for path, app in asgi_routes:
            self.mount(path, app)
        if asyncapi_path is not None:
            for path, app in asyncapi_routes(asyncapi_path, self):
                self._mount(path, app)

    @property
    def schema(self) -> Any:
        """The AsyncAPI document factory with all brokers and HTTP endpoints."""
        super().schema  # noqa: B018
        return self._describe()

    def _describe(self) -> Any:
        while self._documented:
            self.specification.add_http_route(*self._documented.pop(0))
        return self.specification

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._complaint_due and scope["type"] != "lifespan":
            self._complain()
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None or scope.get("root_path"):
            return await self._serve_other(scope, receive, send)
        # most requests: what the endpoint does as an ASGI callable, in fewer steps
        answer = endpoint.response_to(scope, receive)
        response: Any = answer if isinstance(answer, AsgiResponse) else await answer
        if type(response) is AsgiResponse:
            await send(
                {
                    "type": "http.response.start",
                    "status": response.status_code,
                    "headers": [*response.raw_headers],
                }
            )
            body = b"" if scope["method"] == "HEAD" else response.body
            await send({"type": "http.response.body", "body": body})
        elif response is not None:
            await response(scope, receive, body_for(scope, send))

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._serve_lifespan(receive, send)
        elif not await self._table.dispatch(scope, receive, send):
            await refuse_path(scope, receive, send)

    def _complain(self) -> None:
        """Says once that requests come although nothing was started."""
        self._complaint_due = False
        if self.brokers or self.hosted:
            self._say(
                logging.ERROR,
                "A request came but the brokers were never started: the server does not run the "
                "ASGI lifespan of this application (lifespan is off, or it is mounted in another)",
            )

    async def _serve_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._complaint_due = False
        self._starting = asyncio.current_task()
        try:
            if self._abandoned:
                raise asyncio.CancelledError
            await self._start_all()
        except asyncio.CancelledError:
            if self._abandoned:
                text = "The application was told to stop before it had started."
                await send({"type": "lifespan.startup.failed", "message": text})
            raise
        except Exception as error:
            self._start_error = error
            # `run` raises it: a server of our own need not show it, too
            text = "" if self._server is not None else traceback.format_exc()
            await send({"type": "lifespan.startup.failed", "message": text})
            raise
        finally:
            self._starting = None
        try:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        finally:
            await self._shut_down()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start_all(self) -> None:
        self._say(logging.INFO, "FastStream app starting...")
        try:
            await self._lifecycle.start(**self._options)
            for hosted in self.hosted:
                await hosted.start()
        except BaseException:
            await self._stop_all()
            raise
        self._say(logging.INFO, "FastStream app started successfully! To exit, press CTRL+C")

    async def _shut_down(self) -> None:
        self._say(logging.INFO, "FastStream app shutting down...")
        await self._stop_all()
        self._say(logging.INFO, "FastStream app shut down gracefully.")

    async def _stop_all(self) -> None:
        drains = [getattr(broker, "graceful_timeout", DRAIN) or 0.0 for broker in self.brokers]
        self._lifecycle.stop_timeout = max(drains, default=DRAIN) + STOP_MARGIN
        try:
            for hosted in reversed(self.hosted):
                await hosted.stop()
        finally:
            await self._lifecycle.stop()

    @asynccontextmanager
    async def start_lifespan_context(
        self, run_extra_options: Mapping[str, Any] | None = None
    ) -> AsyncIterator[None]:
        """Runs lifespan, hooks and brokers for the length of an `async with` block.

        Args:
            run_extra_options: for the lifespan and the `on_startup` hooks.
        """
        self._options = run_extra_options or {}
        self._complaint_due = False
        await self._start_all()
        try:
            yield
        finally:
            await self._shut_down()

    async def run(
        self,
        log_level: int = logging.INFO,
        run_extra_options: dict[str, Any] | None = None,
        sleep_time: float = 0.1,
    ) -> None:
        """Serves on uvicorn until SIGINT, SIGTERM or `exit()`.

        Args:
            log_level: the level of uvicorn's own lines.
            run_extra_options: uvicorn's options by name (`host`, `port`, `uds`, `fd`,
                `access_log`, …) and `bind`; all of them also reach the lifespan and the
                `on_startup` hooks that ask for them.
            sleep_time: not used.

        Raises:
            ImportError: uvicorn is not installed.
            SetupError: an option has a value that cannot be.
        """
        self._options = run_extra_options or {}
        self._start_error = None
        self._abandoned = False
        leave = partial(asyncio.get_running_loop().call_soon_threadsafe, self.abandon_start)
        on_signal = leave if self.handles_signals else None
        self._server = make_server(self, log_level, self._options, on_signal=on_signal)
        self.listeners = self.listeners or Listeners.of(self._options)
        try:
            await self._server.serve(sockets=self.listeners.sockets or None)
        except SystemExit:
            # uvicorn's way to say that the start failed
            if self._start_error is None and not self._abandoned:
                raise
        finally:
            self._server = None
            self.listeners.close()
            self.listeners = None
        if self._start_error is not None:
            raise self._start_error

    def open_listeners(self, options: Mapping[str, Any]) -> Listeners:
        """Opens the sockets that several processes are to share, see `listeners`.

        Args:
            options: as for `run`.

        Raises:
            SetupError: an address of another form.
            OSError: an address is taken.
        """
        return Listeners.of(options, default=True)

    def exit(self) -> None:
        """Ends `run()`; may be called from handlers and hooks."""
        super().exit()
        if self._server is not None:
            self._server.should_exit = True

    def abandon_start(self) -> None:
        """Ends `run()` like `exit()`, but waits for no start; what has started is stopped."""
        self.exit()
        self._abandoned = True
        if self._starting is not None:
            self._starting.cancel()


class _Hooks:
    """The application as its lifecycle sees it; one that only hosts needs no broker of its own."""

    def __init__(self, app: AsgiFastStream) -> None:
        self.app = app
        self.of = type(app)  # whom errors name

    @property
    def brokers(self) -> list[Any]:
        if not self.app.brokers and self.app.hosted:
            return [_NoBroker()]
        return self.app.brokers

    def lifespan_scope(self, **extra: Any) -> Any:
        return self.app.lifespan_scope(**extra)

    async def run_hooks(self, name: str, /, **extra: Any) -> None:
        await self.app.run_hooks(name, **extra)


class _NoBroker:
    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def ping(self, timeout: float | None) -> bool:
        return True
