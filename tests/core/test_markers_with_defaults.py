"""A marker in `Annotated` leaves the default to Python, as any annotation does."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest

from anystream.asgi import AsgiFastStream, JSONResponse, Query, get
from anystream.asgi import Header as HttpHeader
from anystream.core import Context, Depends, Header
from anystream.memory import MemoryBroker, TestMemoryBroker

pytestmark = pytest.mark.memory


def from_dependency(value: Annotated[str, Context("nothing")] = "of a dependency") -> str:
    return value


@pytest.mark.parametrize("options", [{}, {"serializer": None}])
async def test_default_of_a_marked_argument(options: dict[str, Any]) -> None:
    """The default is used where there is no value, and the value where there is one."""
    broker = MemoryBroker(logger=None, **options)

    @broker.subscriber("orders")
    async def handle(
        body: str,
        nothing: Annotated[str, Context("nothing")] = "of the handler",
        header: Annotated[str, Context("message.headers.shop")] = "no shop",
        plain: Annotated[str, Header("farm", cast=False)] = "no farm",
        depended: str = Depends(from_dependency),
    ) -> list[str]:
        return [body, nothing, header, plain, depended]

    async with TestMemoryBroker(broker):
        answer = await broker.request("tea", "orders")
        full = await broker.request("tea", "orders", headers={"shop": "one", "farm": "green"})
    assert await answer.decode() == [
        "tea", "of the handler", "no shop", "no farm", "of a dependency"
    ]  # fmt: skip
    assert (await full.decode())[2:4] == ["one", "green"]


async def test_default_of_a_marked_argument_of_an_endpoint() -> None:
    """An HTTP handler gets its own defaults, too."""

    @get
    async def search(
        token: Annotated[str, HttpHeader("x-token")] = "no token",
        q: Annotated[list[str], Query()] = [],  # noqa: B006
        nothing: Annotated[str, Context("nothing")] = "nothing",
    ) -> JSONResponse:
        return JSONResponse([token, q, nothing])

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    app = AsgiFastStream(asgi_routes=[("/search", search)])
    scope = {"type": "http", "method": "GET", "path": "/search", "headers": [], "root_path": ""}
    await app({**scope, "query_string": b""}, receive, send)
    assert json.loads(sent[1]["body"]) == ["no token", [], "nothing"]
