"""The adapter for the built-in application: another stream inside an `AsgiFastStream`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anystream.asgi.app import AsgiFastStream
from anystream.asgi.asyncapi import AsyncAPIRoute
from anystream.asgi.hosting import Hosted
from anystream.asgi.types import ASGIApp
from anystream.core.exceptions import NotStarted, SetupError


def setup(
    app: AsgiFastStream,
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, ASGIApp]] = (),
    asyncapi_path: str | AsyncAPIRoute | None = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Runs a stream inside an `AsgiFastStream`: started last, stopped first.

    An application that runs just its own brokers does not need this: it is given them, the routes
    and the path of the document when it is made.

    Args:
        app: the host.
        stream: a FastStream application or a broker.
        asgi_routes: pairs of a path and an ASGI callable.
        asyncapi_path: where the stream's AsyncAPI document is.
        consume: False connects the brokers for publishing and starts no subscriber.
        start_timeout: seconds each broker may take to start; None waits for ever.
        stop_timeout: seconds each broker may take to stop; None waits for ever.

    Raises:
        SetupError: an argument cannot be used, a path is taken, or it is too late.
    """
    if stream is app:
        raise SetupError(
            "`setup(app, stream)`: an AsgiFastStream cannot host itself; it starts its own "
            "brokers without `setup`."
        )
    hosted = Hosted(
        stream,
        host="asgi",
        asgi_routes=asgi_routes,
        asyncapi_path=asyncapi_path,
        consume=consume,
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
    )
    hosted.check_host(
        app,
        AsgiFastStream,
        already=bool(getattr(app, "hosted", ())),
        started=bool(getattr(app, "started", False)),
    )
    for route in hosted.routes:
        app.mount(route.path or "/", route.app)
    app.hosted.append(hosted)
    return hosted


def get_broker(app: AsgiFastStream, kind: type[Any] | None = None) -> Any:
    """The first broker of an application, or of the stream that it hosts.

    In a handler the application comes from `Context("app")`; `Context("app.broker")` is the
    first broker itself.

    Args:
        app: the application.
        kind: the type of the broker that is wanted.

    Raises:
        NotStarted: the brokers are not started.
        SetupError: there is no broker of that type.
    """
    if not isinstance(app, AsgiFastStream):
        raise SetupError(f"`get_broker` needs an AsgiFastStream, not {type(app).__name__}.")
    if not app.started:
        raise NotStarted(
            "The brokers of this AsgiFastStream are not started: its start-up is not complete "
            "yet, or the server does not run its ASGI lifespan (lifespan is off, or it is "
            "mounted in another application)."
        )
    for broker in app.brokers:
        if kind is None or isinstance(broker, kind):
            return broker
    if app.hosted:
        return app.hosted[0].require(kind)
    known = ", ".join(type(broker).__name__ for broker in app.brokers)
    wanted = getattr(kind, "__name__", "broker")
    raise SetupError(f"There is no {wanted} in this application, just: {known}.")
