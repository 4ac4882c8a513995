"""Several endpoints at one path, told apart by the request's method."""

from __future__ import annotations

from typing import Any, cast, get_args

from anystream.asgi.endpoint import Answer, Reads
from anystream.asgi.refusals import method_refusal, refuse_method
from anystream.asgi.response import AsgiResponse
from anystream.asgi.types import ASGIApp, Receive, Scope, Send


class ByMethod:
    """Endpoints that share a path; the first one that names a method gets it.

    Args:
        endpoints: ASGI callables with a tuple `methods`, their own method first.
    """

    exact = True

    def __init__(self, *endpoints: Any) -> None:
        self.endpoints = endpoints
        # where nobody answers HEAD itself, it is for what GET would answer
        in_order = sorted(endpoints, key=lambda each: each.methods[0] != "GET")
        self._by_method = {method: each for each in in_order[::-1] for method in each.methods[::-1]}
        self._by_method.update((each.methods[0], each) for each in in_order)
        self.methods = tuple(dict.fromkeys(it for each in in_order for it in each.methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._by_method.get(scope.get("method", ""))
        if endpoint is None:
            await refuse_method(self.methods, scope, receive, send)
        else:
            await endpoint(scope, receive, send)

    @property
    def reads(self) -> Reads:
        """As much of a request as the endpoint that looks at most of it."""
        order = get_args(Reads)
        found: list[Reads] = [getattr(endpoint, "reads", "body") for endpoint in self.endpoints]
        return max(found, key=order.index)

    async def response_to(self, scope: Scope, receive: Receive) -> ASGIApp | None:
        """The response of the endpoint for the request's method."""
        endpoint = self._by_method.get(scope["method"])
        if endpoint is None:
            return method_refusal(self.methods)
        if not hasattr(endpoint, "response_to"):
            return cast(ASGIApp, endpoint)
        answer: Answer = endpoint.response_to(scope, receive)
        return answer if isinstance(answer, AsgiResponse) else await answer

    def __repr__(self) -> str:
        return f"<{' and '.join(map(repr, self.endpoints))}>"


def joined(first: Any, second: Any) -> ByMethod | None:
    """Two endpoints as one; None where they are no endpoints, or answer the same method."""
    endpoints = (*getattr(first, "endpoints", (first,)), second)
    own = {getattr(endpoint, "methods", ("",))[0] for endpoint in endpoints}
    return ByMethod(*endpoints) if len(own) == len(endpoints) and "" not in own else None
