"""What an endpoint tells a host beyond ASGI, so that a host may answer without a round of it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Literal, Protocol, TypeAlias

from anystream.asgi.response import AsgiResponse
from anystream.asgi.types import ASGIApp, Message, Receive, Scope

Answer: TypeAlias = AsgiResponse | Awaitable[ASGIApp | None]


Reads: TypeAlias = Literal["method", "scope", "body"]
"""How much of a request an endpoint looks at, from least to most."""


class Endpoint(Protocol):
    """An ASGI callable that can say its answer instead of sending it."""

    methods: tuple[str, ...]

    @property
    def reads(self) -> Reads:
        """What `response_to` has to be given; it may change with the first request.

        "method": a scope with nothing but `type` and `method` will do. "scope": the whole scope,
        but nobody calls `receive`. "body": both.
        """
        ...

    def response_to(self, scope: Scope, receive: Receive) -> Answer:
        """The response to an HTTP request, or something to await for it.

        A response is an ASGI callable, mostly an `AsgiResponse`; the body of one to HEAD is
        the host's to leave out. None, when awaited: the client is gone.
        """
        ...


def endpoint_at(route: Any) -> Endpoint | None:
    """The endpoint of a route; None if there is none, or an ASGI callable that has to be called.

    Args:
        route: a `Route`, or None.
    """
    if route is None or not route.exact or not hasattr(route.app, "response_to"):
        return None
    endpoint: Endpoint = route.app
    return endpoint


async def no_body() -> Message:
    """The `receive` of a request whose body nobody reads."""
    return {"type": "http.disconnect"}
