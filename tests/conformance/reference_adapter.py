"""A right adapter for `BareApp`, in steps that the wrong ones override one at a time."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import AsyncExitStack
from typing import Any

from bare_app import BareApp

from anystream.asgi.asyncapi import asyncapi_routes
from anystream.conformance import Host
from anystream.conformance.lifespan_client import run_lifespan
from anystream.core.exceptions import NotStarted, SetupError, StartTimeout

DEFAULTS: dict[str, Any] = {
    "asgi_routes": (),
    "asyncapi_path": None,
    "consume": True,
    "start_timeout": 30.0,
    "stop_timeout": 10.0,
}


class ReferenceAdapter:
    """Keeps every clause; the wrong adapters derive from it."""

    def __init__(self, app: BareApp, stream: Any, options: dict[str, Any]) -> None:
        self.app = app
        self.stream = stream
        self.options = {**DEFAULTS, **options}
        self.brokers = list(getattr(stream, "brokers", [stream]))
        self.is_app = hasattr(stream, "run_hooks")
        self.is_foreign = hasattr(stream, "brokers") and not self.is_app
        self.running = False
        self.touched: list[Any] = []
        self.lifespan = AsyncExitStack()
        self.mounts: dict[str, Any] = {}

    # ---- setup

    @classmethod
    def setup(cls, app: BareApp, stream: Any, **options: Any) -> ReferenceAdapter:
        """The verb of every adapter."""
        adapter = cls(app, stream, options)
        adapter.validate(options)
        adapter.add_routes()
        app.around = adapter
        app.get_broker = adapter.require
        return adapter

    def validate(self, options: dict[str, Any]) -> None:
        self.check_options(options)
        self.check_stream()
        self.check_app()
        self.check_timeouts()

    def check_options(self, options: dict[str, Any]) -> None:
        for name in options:
            if name not in DEFAULTS:
                raise TypeError(f"unknown option {name!r}")

    def check_stream(self) -> None:
        if isinstance(self.stream, type) or not hasattr(self.stream, "stop"):
            name = getattr(self.stream, "__name__", type(self.stream).__name__)
            raise SetupError(f"{self.stream!r} ({name}) was given: give an application or a broker")

    def check_app(self) -> None:
        if not isinstance(self.app, BareApp):
            raise SetupError(f"a BareApp is needed, this is an {type(self.app).__name__}")
        if self.app.around is not None or self.app.started:
            raise SetupError("setup was called before, or after the start")

    def check_timeouts(self) -> None:
        for name in ("start_timeout", "stop_timeout"):
            if not self.options[name] > 0:
                raise SetupError(f"{name}={self.options[name]!r} is not positive")

    def add_routes(self) -> None:
        for path, app in self.options["asgi_routes"]:
            self.add_route(path, app)
        if self.options["asyncapi_path"]:
            for path, app in asyncapi_routes(self.options["asyncapi_path"], self.stream):
                self.add_route(path, app)

    def add_route(self, path: str, app: Any) -> None:
        if not path.startswith("/"):
            raise SetupError(f"{path!r} does not begin with /")
        if not callable(app):
            raise SetupError(f"{app!r} at {path} is not callable")
        if path in self.mounts:
            raise SetupError(f"{path} is taken by {self.mounts[path]!r} and {app!r}")
        self.mounts[path] = app

    # ---- start and stop

    async def start(self) -> None:
        try:
            if self.is_foreign:
                await self.stream.start()
            else:
                await self.start_stream()
        except BaseException:
            await self.undo_start()
            raise
        self.running = True

    async def start_stream(self) -> None:
        if self.is_app:
            await self.lifespan.enter_async_context(self.stream.lifespan_scope())
            await self.stream.run_hooks("on_startup")
        await self.start_brokers()
        if self.is_app:
            await self.stream.run_hooks("after_startup")

    async def start_brokers(self) -> None:
        for broker in self.brokers:
            self.touched.append(broker)
            await self.start_broker(broker)

    async def start_broker(self, broker: Any) -> None:
        limit = self.options["start_timeout"]
        verb = broker.start if self.options["consume"] else broker.connect
        try:
            await asyncio.wait_for(verb(), limit)
        except asyncio.TimeoutError as error:
            raise StartTimeout(f"{type(broker).__name__} did not start in {limit} s") from error

    async def undo_start(self) -> None:
        await self.stop_brokers()
        await self.lifespan.aclose()

    async def stop(self) -> None:
        self.running = False
        if self.is_foreign:
            await self.stream.stop()
            return
        await self.stop_hook("on_shutdown")
        await self.stop_brokers()
        await self.stop_hook("after_shutdown")
        await self.lifespan.aclose()

    async def stop_hook(self, name: str) -> None:
        try:
            if self.is_app:
                await self.stream.run_hooks(name)
        except Exception as error:
            self.log(f"hook {name}", error)

    async def stop_brokers(self) -> None:
        while self.touched:
            await self.stop_broker(self.touched.pop())

    async def stop_broker(self, broker: Any) -> None:
        limit = self.options["stop_timeout"]
        try:
            await asyncio.wait_for(broker.stop(), limit)
        except Exception as error:
            self.log(f"{type(broker).__name__} did not stop in {limit} s", error)

    def log(self, what: str, error: BaseException) -> None:
        print(f"{what}: {error!r}", flush=True)

    def require(self, kind: type | None = None) -> Any:
        """The broker, for the user's handlers."""
        if not self.running:
            raise NotStarted("not started: the lifespan did not run")
        return self.choose(kind)

    def choose(self, kind: type | None) -> Any:
        for broker in self.brokers:
            if kind is None or isinstance(broker, kind):
                return broker
        raise SetupError(f"no {kind} among {[type(broker).__name__ for broker in self.brokers]}")

    # ---- serving

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.serve_lifespan(scope, receive, send)
            return
        path = self.find(scope["path"])
        if path is None:
            await self.app.serve(scope, receive, send)
        else:
            await self.serve_mount(path, scope, receive, send)

    async def serve_mount(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        app = self.mounts[path]
        own = dict(scope) if getattr(app, "exact", False) else self.scope_for(path, dict(scope))
        await app(own, receive, send)

    def find(self, path: str) -> str | None:
        for mounted in self.order():
            if self.belongs(path, mounted, getattr(self.mounts[mounted], "exact", False)):
                return mounted
        return None

    def order(self) -> list[str]:
        return sorted(self.mounts, key=len, reverse=True)

    def belongs(self, path: str, mounted: str, exact: bool) -> bool:
        if path in (mounted, mounted + "/"):
            return True
        return not exact and path.startswith(mounted + "/")

    def scope_for(self, path: str, scope: Any) -> Any:
        scope["root_path"] = scope.get("root_path", "") + path
        return scope

    async def serve_lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        failure: BaseException | None = None

        async def inner_send(message: Any) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.complete":
                try:
                    await self.start()
                except BaseException as error:
                    failure = error
                    return
            if failure is None:
                await send(message)

        async def inner_receive() -> Any:
            if failure is not None:
                return {"type": "lifespan.shutdown"}
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.stop()
            return message

        try:
            await self.app.serve(scope, inner_receive, inner_send)
        except Exception as error:
            if self.running or failure is not None:
                raise
            failure = error
        if failure is not None:
            text = "".join(traceback.format_exception(failure))
            await send({"type": "lifespan.startup.failed", "message": text})
            raise failure


def host_of(adapter: type[ReferenceAdapter], name: str = "reference") -> Host:
    """The conformance host of an adapter class."""
    return Host(
        name=name,
        make_app=BareApp,
        setup=adapter.setup,
        servers=("uvicorn",),
        test_client=run_lifespan,
    )


host = host_of(ReferenceAdapter)
