"""What every adapter holds: a stream, its life in a host application, its paths there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from anystream.asgi.routing import RouteTable
from anystream.asgi.types import ASGIApp, Receive, Scope, Send
from anystream.core.exceptions import NotStarted, SetupError
from anystream.core.lifecycle import Lifecycle

logger = logging.getLogger("anystream.hosting")

SCOPE_KEY = "anystream"
"""Where an ASGI scope carries the `Hosted` that serves it."""

_LOG_SECONDS = 1.0


class Hosted:
    """A stream inside an application of an HTTP framework.

    Made by the `setup` of an adapter. It does nothing before `start()`, so it may be made before
    a fork.

    Args:
        stream: a FastStream application or a broker.
        host: the framework's name, for messages.
        asgi_routes: pairs of a path and an ASGI callable.
        asyncapi_path: where the AsyncAPI document is served: a path or an `AsyncAPIRoute`.
        consume: `False` connects the brokers for publishing and starts no subscriber.
        start_timeout: seconds each broker may take to start; `None` waits for ever.
        stop_timeout: seconds each broker may take to stop; `None` waits for ever.

    Raises:
        SetupError: an argument cannot be used; the text says what to pass.
    """

    def __init__(
        self,
        stream: Any,
        *,
        host: str,
        asgi_routes: Iterable[tuple[str, ASGIApp]] = (),
        asyncapi_path: Any = None,
        consume: bool = True,
        start_timeout: float | None = 30.0,
        stop_timeout: float | None = 10.0,
    ) -> None:
        _check_stream(stream)
        if not isinstance(consume, bool):
            raise SetupError(f"`consume` has to be True or False, not {consume!r}.")
        self.host = host
        self.stream = stream
        self.lifecycle = Lifecycle(
            stream,
            consume=consume,
            start_timeout=_seconds("start_timeout", start_timeout),
            stop_timeout=_seconds("stop_timeout", stop_timeout),
            logger=logger,
        )
        self.routes = RouteTable()
        for path, app in _pairs(asgi_routes):
            self._serve(path, app)
        if asyncapi_path is not None:
            from anystream.asgi.asyncapi import asyncapi_routes

            for path, app in asyncapi_routes(asyncapi_path, stream):
                self._serve(path, app)
        self._was_started = False
        self._reported = False

    @property
    def brokers(self) -> list[Any]:
        """The brokers, in the order of their start."""
        return self.lifecycle.brokers

    @property
    def broker(self) -> Any:
        """The first broker, whether it is started or not; `None` if there is none."""
        brokers = self.brokers
        return brokers[0] if brokers else None

    @property
    def running(self) -> bool:
        """Whether the brokers are started and nobody asked them to stop."""
        return self.lifecycle.running

    async def start(self) -> None:
        """Starts the stream, see `Lifecycle.start`."""
        await self.lifecycle.start()
        self._was_started = True

    async def stop(self) -> None:
        """Stops the stream, see `Lifecycle.stop`; what was logged is written when it returns."""
        try:
            await self.lifecycle.stop()
        finally:
            await _log_written()

    def require(self, kind: type[Any] | None = None) -> Any:
        """The first broker, or the first one of a type.

        Args:
            kind: the type of the broker that is wanted.

        Raises:
            NotStarted: the brokers are not started; the text names the causes.
            SetupError: there is no broker of that type.
        """
        if not self.running:
            raise NotStarted(self._not_started())
        for broker in self.brokers:
            if kind is None or isinstance(broker, kind):
                return broker
        known = ", ".join(type(broker).__name__ for broker in self.brokers)
        wanted = getattr(kind, "__name__", repr(kind))
        raise SetupError(f"There is no {wanted} in this application, just: {known}.")

    async def dispatch(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serves what is for one of our paths; `False` if it is for the host, see `RouteTable`."""
        if not self.running:
            self.report_not_started()
        return await self.routes.dispatch(scope, receive, send)

    def report_not_started(self) -> None:
        """Logs, once, that requests arrive although nobody ever started the brokers."""
        if not (self._was_started or self._reported):
            self._reported = True
            logger.error(self._not_started())

    def check_host(
        self, app: Any, kind: type[Any], *, already: bool = False, started: bool = False
    ) -> None:
        """Refuses an application that the stream cannot be put into.

        Args:
            app: what was given to `setup`.
            kind: the framework's application type.
            already: whether `setup` was called for it before.
            started: whether it is started or frozen.

        Raises:
            SetupError: with the reason and what to do.
        """
        if not isinstance(app, kind):
            raise SetupError(
                f"`setup(app, stream)` of anystream.{self.host} needs a {kind.__module__}."
                f"{kind.__qualname__} first, not {_shown(app)}."
            )
        if already:
            raise SetupError(
                f"`setup` was called twice for the same {self.host} application. Call it once; "
                "several brokers go into one application: `setup(app, FastStream(one, two))`."
            )
        if started:
            raise SetupError(
                f"`setup` was called after the {self.host} application had started. Call it where "
                "the application is made, before it is served or joined to another one."
            )

    def check_paths(self, taken: Iterable[str]) -> None:
        """Refuses paths at which the host application has routes of its own.

        Args:
            taken: the paths of those routes.

        Raises:
            SetupError: one of ours is among them.
        """
        known = {path.rstrip("/") or "/" for path in taken if path}
        for path in self.routes.paths():
            if path in known:
                raise self.path_taken(path)

    def path_taken(self, path: str) -> SetupError:
        """The error for a path at which the host application itself has a route."""
        return SetupError(
            f"The path {path!r} is taken by a route of the {self.host} application. "
            "Serve the ASGI application elsewhere, or take that route away."
        )

    def _serve(self, path: str, app: ASGIApp) -> None:
        # our own endpoints take their arguments from the stream they are served with
        attached_to: Any = getattr(app, "attached_to", None)
        if attached_to is not None:
            app = attached_to(self.stream)
        route = self.routes.add(path, app)
        if not route.path and not route.exact:
            raise SetupError(
                f"{app!r} cannot be mounted at '/': it would hide the whole {self.host} "
                "application. Mount it below a path, such as '/events'."
            )

    def _not_started(self) -> str:
        if self._was_started:
            return f"The brokers of this {self.host} application were stopped."
        return (
            f"The brokers of this {self.host} application were never started. Either its start-up "
            "is not complete yet, or the server does not run it: lifespan switched off (uvicorn "
            "`--lifespan off`, granian `--interface asginl`), a sub-application that is mounted "
            "(call `setup` for the outer application), `setup` called after the start, or a test "
            "client that is not entered with `with`."
        )


def hosted_of(scope: Mapping[str, Any] | None, kept: Any, host: str) -> Hosted:
    """What is hosted where a request is served.

    Args:
        scope: the request's ASGI scope, which comes first: it knows the outer application.
        kept: what the framework's own store of the application holds.
        host: the framework's name, for the message.

    Raises:
        NotStarted: `setup` was never called for the application.
    """
    hosted = (scope or {}).get(SCOPE_KEY) or kept
    if isinstance(hosted, Hosted):
        return hosted
    raise NotStarted(
        f"No stream lives in this {host} application: call `anystream.{host}.setup(app, stream)` "
        "for it, or for the application that it is mounted in."
    )


def _check_stream(stream: Any) -> None:
    wanted = "Pass a FastStream application or a broker, such as `NatsBroker()`"
    if isinstance(stream, type):
        raise SetupError(f"`stream` is the class {stream.__name__} itself. {wanted}.")
    if isinstance(stream, (list, tuple, set)):
        raise SetupError(
            f"`stream` is a {type(stream).__name__}. {wanted}; several brokers go into one "
            "application: `FastStream(one, two)`."
        )
    methods = ["start", "stop"] if hasattr(stream, "brokers") else ["start", "stop", "ping"]
    if hasattr(stream, "brokers") and hasattr(stream, "run_hooks"):
        methods = []
    missing = [name for name in methods if not callable(getattr(stream, name, None))]
    if missing:
        raise SetupError(f"`stream` is {_shown(stream)}, which has no `{missing[0]}()`. {wanted}.")


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise SetupError(
            f"`{name}` has to be a number of seconds above 0, or None for no limit, not {value!r}."
        )
    return float(value)


def _pairs(routes: Any) -> list[tuple[str, ASGIApp]]:
    shape = "`asgi_routes` has to be pairs of a path and an ASGI callable: [('/ping', app)]"
    if isinstance(routes, (str, bytes, dict)) or not isinstance(routes, Iterable):
        raise SetupError(f"{shape}, not {_shown(routes)}.")
    pairs = list(routes)
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise SetupError(f"{shape}; this is none: {pair!r}.")
    return [(path, app) for path, app in pairs]


def _shown(value: Any) -> str:
    return f"the {type(value).__name__} {value!r}"[:200]


async def _log_written() -> None:
    """Waits until handlers that log from a thread have done so: a process may end right after."""
    deadline = asyncio.get_running_loop().time() + _LOG_SECONDS
    place: logging.Logger | None = logger
    while place is not None:
        for handler in place.handlers:
            queue = getattr(handler, "queue", None)
            while getattr(queue, "unfinished_tasks", 0):
                if asyncio.get_running_loop().time() > deadline:
                    return
                await asyncio.sleep(0.01)
        place = place.parent if place.propagate else None
