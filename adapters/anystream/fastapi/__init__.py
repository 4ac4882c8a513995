"""anystream in a FastAPI application: `setup(app, stream)`, `broker_of(...)` and `get_broker`.

Message handlers with FastAPI's own `Depends`: the routers of `anystream.fastapi.nats`, `kafka`,
`confluent`, `rabbit`, `redis` and `memory`.

Broker = Annotated[NatsBroker, Depends(broker_of(NatsBroker))]

@app.post("/orders")
async def create(order: Order, broker: Broker) -> None:
    await broker.publish(order, "orders")
"""

# FastAPI evaluates annotations in this module: no `from __future__ import annotations` here.
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from anystream.asgi.hosting import Hosted, hosted_of

try:
    from fastapi import FastAPI
    from fastapi.requests import HTTPConnection
except ImportError as error:
    raise ImportError('FastAPI is not installed: pip install "anystream[fastapi]"') from error

from anystream.starlette import install

__all__ = ("broker_of", "get_broker", "setup")

B = TypeVar("B")


def setup(
    app: FastAPI,
    stream: Any,
    *,
    asgi_routes: Iterable[tuple[str, Any]] = (),
    asyncapi_path: Any = None,
    consume: bool = True,
    start_timeout: float | None = 30.0,
    stop_timeout: float | None = 10.0,
) -> Hosted:
    """Starts and stops `stream` with `app`, and mounts ASGI callables in it.

    The brokers start when your own lifespan or `on_event` hooks have run, and stop before they
    are left. Mounted callables run behind your middlewares, come before your own routes and are
    no part of the OpenAPI document.

    Args:
        app: the outermost application: FastAPI runs no lifespan of a mounted one.
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
    return install(
        Hosted(
            stream,
            host="fastapi",
            asgi_routes=asgi_routes,
            asyncapi_path=asyncapi_path,
            consume=consume,
            start_timeout=start_timeout,
            stop_timeout=stop_timeout,
        ),
        app,
        FastAPI,
    )


@overload
def get_broker(place: HTTPConnection | FastAPI) -> Any: ...


@overload
def get_broker(place: HTTPConnection | FastAPI, kind: type[B]) -> B: ...


def get_broker(place: HTTPConnection | FastAPI, kind: type[Any] | None = None) -> Any:
    """The broker, in HTTP and websocket endpoints, and those of mounted applications.

    As it is, it is a dependency too: `Depends(get_broker)`. To choose a type there, use
    `Depends(broker_of(NatsBroker))`.

    Args:
        place: the request, the websocket or the application.
        kind: the broker's type, to choose among several; the first one by default.

    Raises:
        NotStarted: the brokers are not started, or `setup` was not called.
        SetupError: there is no broker of that type.
    """
    app = place.app if isinstance(place, HTTPConnection) else place
    scope = place.scope if isinstance(place, HTTPConnection) else None
    return hosted_of(scope, getattr(app.state, "anystream", None), "fastapi").require(kind)


# FastAPI would take `kind` for a query parameter.
setattr(  # noqa: B010
    get_broker,
    "__signature__",
    inspect.Signature(
        [
            inspect.Parameter(
                "place", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=HTTPConnection
            )
        ]
    ),
)


def broker_of(kind: type[B]) -> Callable[[HTTPConnection], B]:
    """A dependency that gives the first broker of a type, in HTTP and websocket endpoints.

    Args:
        kind: the broker's type.
    """

    def broker(connection: HTTPConnection) -> B:
        return get_broker(connection, kind)

    return broker
