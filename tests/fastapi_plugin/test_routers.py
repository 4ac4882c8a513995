"""One suite over the routers of all brokers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Header, Request
from pydantic import BaseModel

from anystream.fastapi.context import Context
from tests.fastapi_plugin.conftest import Plugin, lifespan_of


class Order(BaseModel):
    """The body."""

    name: str
    amount: int = 1


async def test_a_message_meets_fastapi(plugin: Plugin, new_name: Callable[[], str]) -> None:
    """Model, header, dependencies of each kind, context, tasks and publishing, in memory."""
    router, steps = plugin.router(), []
    source, target = new_name(), new_name()
    message_of: Any = plugin.message

    def plain() -> int:
        return 2

    async def doubled(one: Annotated[int, Depends(plain)]) -> AsyncIterator[int]:
        yield one * 2
        steps.append("left")

    @router.subscriber(source)
    @router.publisher(target)
    async def handle(
        order: Order,
        four: Annotated[int, Depends(doubled)],
        message: message_of,
        tasks: BackgroundTasks,
        broker: Annotated[Any, Context("broker")],
        user: Annotated[str, Header()] = "nobody",
        amount: int = 0,
    ) -> dict[str, Any]:
        tasks.add_task(steps.append, "task")
        same = broker is router.broker and bool(message.message_id)
        return {"order": order, "four": four, "user": user, "amount": amount, "same": same}

    @router.subscriber(target)
    async def taken(body: dict[str, Any]) -> None:
        steps.append(body)

    async with plugin.testing(router.broker) as broker:
        await broker.publish({"name": "tea", "amount": 3}, source, headers={"user": "ann"})
        handle.mock.assert_called_once_with({"name": "tea", "amount": 3})
    body = {"order": {"name": "tea", "amount": 3}, "four": 4, "user": "ann", "amount": 3}
    assert steps == ["left", {**body, "same": True}, "task"]


async def test_http_and_messages_in_one_application(
    plugin: Plugin, new_name: Callable[[], str]
) -> None:
    """The broker starts with the application, on the real server; a request publishes, a handler
    with an override takes it."""
    router, app, name = plugin.router(prefix="/api"), FastAPI(), new_name()
    got: asyncio.Queue[Any] = asyncio.Queue()

    def who() -> str:
        return "original"

    @router.subscriber(name, **plugin.from_the_start)
    async def handle(order: Order, request: Request, by: Annotated[str, Depends(who)]) -> None:
        await got.put((order, by, request.app is app, request.state.extra))

    @router.post("/orders")
    async def create(order: Order, request: Request) -> str:
        await request.state.broker.publish(order, name)
        return "sent"

    @router.after_startup
    async def extra(app: FastAPI) -> dict[str, Any]:
        return {"extra": 5}

    app.include_router(router)
    app.dependency_overrides[who] = lambda: "override"
    async with lifespan_of(app) as _:
        transport = httpx.ASGITransport(app)
        assert await router.broker.ping(5.0)
        await router.broker.publish({"name": "tea"}, name)
        assert await asyncio.wait_for(got.get(), 30) == (Order(name="tea"), "override", True, 5)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            page = await client.get("/api/asyncapi.json")
    assert name in page.text
    assert not router.broker.running


async def test_plain_routers_are_bound_by_fastapi(
    plugin: Plugin, new_name: Callable[[], str]
) -> None:
    """A router of the broker package, with anystream's own markers, works in a StreamRouter."""
    from anystream.core import Depends as OwnDepends
    from anystream.core.params import Context as OwnContext
    from anystream.core.params import Header as OwnHeader

    own, router, name, seen = plugin.plain_router(), plugin.router(), new_name(), []

    async def number() -> int:
        return 7

    @own.subscriber(name)
    async def handle(
        order: Order,
        seven: int = OwnDepends(number),
        level: int = OwnHeader("x-level"),
        broker: Any = OwnContext("broker"),
    ) -> None:
        seen.append((order.name, seven, level, broker is router.broker))

    router.include_router(own)
    async with plugin.testing(router.broker) as broker:
        await broker.publish({"name": "tea"}, name, headers={"x-level": "3"})
    assert seen == [("tea", 7, 3, True)]


async def test_asyncapi_tells_what_handlers_take(plugin: Plugin, new_name: Any) -> None:
    """Body and query parameters, those of dependencies too; headers are none of them."""
    router = plugin.router()

    async def page(limit: int = 5) -> int:
        return limit

    @router.subscriber(new_name())
    async def handle(
        order: Order, limit: Annotated[int, Depends(page)], user: Annotated[str, Header()]
    ) -> None: ...

    text = router.schema.to_specification().to_json()
    schemas = json.loads(text)["components"]["schemas"]
    assert "Order" in schemas
    payload = next(it for name, it in schemas.items() if name != "Order")
    assert set(payload["properties"]) == {"order", "limit"}
    assert payload["required"] == ["order"]


def test_unknown_options_are_refused(plugin: Plugin) -> None:
    """By the broker, with its name."""
    from anystream.core.exceptions import OptionError, SetupError

    with pytest.raises(OptionError, match="no_such"):
        plugin.router(no_such=1)
    with pytest.raises(SetupError, match="dependency_overrides"):
        plugin.router(provider=None)
