"""One suite over the routers of all brokers, in their test brokers and on their servers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, get_args

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Header, Path, Request, params
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from anystream.fastapi.context import Context
from tests.fastapi_plugin.conftest import NOWHERE, Plugin, lifespan_of

NewName = Callable[..., str]


class Order(BaseModel):
    """The body."""

    name: str
    amount: int = 1


class Told:
    """What handlers tell a test."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self.say = self._queue.put_nowait

    async def next(self) -> Any:
        return await asyncio.wait_for(self._queue.get(), 60)

    def nothing_more(self) -> bool:
        return self._queue.empty()


def application(*routers: Any, **options: Any) -> FastAPI:
    """An application with routers."""
    app = FastAPI(**options)
    for router in routers:
        app.include_router(router)
    return app


async def test_a_message_meets_fastapi(plugin: Plugin, new_name: NewName) -> None:
    """Model, header, dependencies of each kind, context, background tasks and publishing."""
    router, told = plugin.router(), Told()
    source, target = new_name(), new_name()
    message_of: Any = plugin.message

    def plain() -> int:
        return 2

    async def doubled(one: Annotated[int, Depends(plain)]) -> AsyncIterator[int]:
        yield one * 2
        told.say("left")

    def threaded() -> Iterator[int]:
        yield 7

    @plugin.reads(router, source)
    @router.publisher(target)
    async def handle(
        order: Order,
        four: Annotated[int, Depends(doubled)],
        seven: Annotated[int, Depends(threaded)],
        message: message_of,
        tasks: BackgroundTasks,
        broker: Annotated[Any, Context("broker")],
        user: Annotated[str, Header()] = "nobody",
        amount: int = 0,
    ) -> dict[str, Any]:
        tasks.add_task(told.say, "task")
        same = broker is router.broker and bool(message.message_id)
        numbers = [four, seven, amount]
        return {"order": order, "numbers": numbers, "user": user, "same": same}

    @plugin.reads(router, target)
    async def taken(body: dict[str, Any]) -> None:
        told.say(body)

    async with plugin.running(application(router), router):
        body = {"name": "tea", "amount": 3}
        await router.broker.publish(body, source, headers={"user": "ann"})
        assert await told.next() == "left"
        expected = {"order": body, "numbers": [4, 7, 3], "user": "ann", "same": True}
        rest = [await told.next(), await told.next()]
    assert "task" in rest
    assert expected in rest
    if plugin.mode == "test":  # the server's reader is not waited for
        assert rest == [expected, "task"]


async def test_http_and_messages_in_one_application(plugin: Plugin, new_name: NewName) -> None:
    """A request publishes, a handler takes it, with the state of the lifespans and an override
    that is changed between two messages; the document says so."""
    router, name, told = plugin.router(prefix="/api"), new_name(), Told()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"pool": 4}

    def who() -> str:
        return "original"

    @plugin.reads(router, name)
    async def handle(order: Order, request: Request, by: Annotated[str, Depends(who)]) -> None:
        state = request.state
        known = (state.broker is router.broker, state.pool, state.extra, request.app is app)
        told.say((order, by, known))

    @router.post("/orders")
    async def create(order: Order, request: Request) -> str:
        await request.state.broker.publish(order, name)
        return "sent"

    @router.after_startup
    async def extra(app: FastAPI) -> dict[str, Any]:
        return {"extra": 5}

    app = application(router, lifespan=lifespan)
    async with plugin.running(app, router) as served:
        assert await router.broker.ping(5.0)
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for by in ("original", "override"):
                answer = await client.post("/api/orders", json={"name": by})
                assert (answer.status_code, answer.json()) == (200, "sent")
                assert await told.next() == (Order(name=by), by, (True, 4, 5, True))
                app.dependency_overrides[who] = lambda: "override"
            page = await client.get("/api/asyncapi.json")
    assert name in page.text
    assert not router.broker.running


async def test_plain_routers_are_bound_by_fastapi(plugin: Plugin, new_name: NewName) -> None:
    """A router of the broker package, with anystream's own markers, works in a StreamRouter."""
    from anystream.core import Depends as OwnDepends
    from anystream.core.params import Context as OwnContext
    from anystream.core.params import Header as OwnHeader

    own, router, name, told = plugin.plain_router(), plugin.router(), new_name(), Told()

    async def number() -> int:
        return 7

    @plugin.reads(own, name)
    async def handle(
        order: Order,
        seven: int = OwnDepends(number),
        level: int = OwnHeader("x-level"),
        broker: Any = OwnContext("broker"),
    ) -> None:
        told.say((order.name, seven, level, broker is router.broker))

    router.include_router(own)
    async with plugin.running(application(router), router):
        await router.broker.publish({"name": "tea"}, name, headers={"x-level": "3"})
        assert await told.next() == ("tea", 7, 3, True)


async def test_captures_of_the_address_are_path_parameters(
    plugin: Plugin, new_name: NewName
) -> None:
    """`Path()` reads them, and they win over keys of the body."""
    router, told = plugin.router(), Told()
    name = new_name(".ann").removesuffix(".ann")
    reads, publish = plugin.reads_below(router, name)

    @reads
    async def handle(order: Order, who: Annotated[str, Path()]) -> None:
        told.say((order.name, who))

    async with plugin.running(application(router), router):
        await publish({"name": "tea", "who": "nobody"})
        assert await told.next() == ("tea", "ann")


async def test_what_does_not_fit_reaches_no_handler(plugin: Plugin, new_name: NewName) -> None:
    """The error is FastAPI's, and the next message is handled."""
    router, name, told = plugin.router(), new_name(), Told()

    @plugin.reads(router, name)
    async def handle(order: Order) -> None:
        told.say(order.name)

    async with plugin.running(application(router), router):
        with suppress(RequestValidationError):
            await router.broker.publish({"amount": "x"}, name)
            assert plugin.mode == "server"
        await router.broker.publish({"name": "tea"}, name)
        assert await told.next() == "tea"
    assert told.nothing_more()


async def test_results_are_reduced_to_the_response_model(plugin: Plugin, new_name: NewName) -> None:
    """And published as JSON types."""
    router, told = plugin.router(), Told()
    source, target = new_name(), new_name()

    @router.publisher(target)
    @plugin.reads(router, source, response_model=Order, response_model_exclude_unset=True)
    def handle(name: str) -> dict[str, Any]:
        return {"name": name, "secret": 1}

    @plugin.reads(router, target)
    async def taken(body: dict[str, Any]) -> None:
        told.say(body)

    async with plugin.running(application(router), router):
        await router.broker.publish("tea", source)
        assert await told.next() == {"name": "tea"}


@pytest.mark.parametrize("depth", [0, 2])
async def test_a_message_is_handled_once(plugin: Plugin, new_name: NewName, depth: int) -> None:
    """Below plain routers, and with the router included twice."""
    router, name, told = plugin.router(schema_url=None), new_name(), Told()

    @plugin.reads(router, name)
    async def handle(text: str) -> None:
        told.say(text)

    app, outer = FastAPI(), router
    for _ in range(depth):
        inner, outer = outer, APIRouter()
        outer.include_router(inner)
    app.include_router(outer)
    app.include_router(router, prefix="/again")
    async with plugin.running(app, router):
        for text in ("one", "two"):
            await router.broker.publish(text, name)
            assert await told.next() == text
    assert told.nothing_more()


async def test_hooks_can_publish(plugin: Plugin, new_name: NewName) -> None:
    """`after_startup` finds the subscribers at work, `on_broker_shutdown` the broker connected."""
    router, name, told = plugin.router(), new_name(), Told()

    @plugin.reads(router, name)
    async def handle(text: str) -> None:
        told.say(text)

    @router.after_startup
    async def hello(app: FastAPI) -> None:
        await router.broker.publish("hello", name)

    @router.on_broker_shutdown
    async def bye(app: FastAPI) -> None:
        await router.broker.publish("bye", name)
        assert await told.next() == "bye"

    async with plugin.running(application(router), router):
        assert await told.next() == "hello"
    assert not router.broker.running


async def test_a_handler_publishes_through_another_router(
    plugin: Plugin, new_name: NewName
) -> None:
    """Two brokers in one application, each with its document."""
    shop, store, told = plugin.router(), plugin.router(schema_url="/store"), Told()
    source, target = new_name(), new_name()

    @plugin.reads(shop, source)
    async def sell(text: str, request: Request) -> None:
        assert request.state.broker is shop.broker
        await store.broker.publish(text, target)

    @plugin.reads(store, target)
    async def pack(text: str, request: Request) -> None:
        told.say((text, request.state.broker is store.broker))

    async with plugin.running(application(shop, store), shop, store):
        await shop.broker.publish("tea", source)
        assert await told.next() == ("tea", True)


async def test_asyncapi_shows_bodies_as_handlers_take_them(kind: str) -> None:
    """A model with scalars beside it, those of dependencies too, is one flat object; headers are
    no part of it. What the document asks for is what the handler accepts."""
    plugin, told = Plugin(kind), Told()
    router = plugin.router()

    async def page(limit: int = 5) -> int:
        return limit

    @router.subscriber("in")
    async def handle(
        order: Order,
        size: int,
        limit: Annotated[int, Depends(page)],
        user: Annotated[str, Header()] = "",
    ) -> None:
        told.say((order, size, limit))

    schemas = router.schema.to_specification().to_jsonable()["components"]["schemas"]
    assert json.loads(json.dumps(schemas["Handle:Message:Payload"])) == {
        "title": "Handle:Message:Payload",
        "type": "object",
        "properties": {
            "name": {"title": "Name", "type": "string"},
            "amount": {"title": "Amount", "type": "integer", "default": 1},
            "size": {"title": "Size", "type": "integer"},
            "limit": {"title": "Limit", "type": "integer", "default": 5},
        },
        "required": ["name", "size"],
    }
    async with plugin.testing(router.broker):
        await router.broker.publish({"name": "tea", "size": 2}, "in")
    assert await told.next() == (Order(name="tea"), 2, 5)


def test_each_module_has_its_router_and_annotations(kind: str) -> None:
    """Ready for signatures that FastAPI reads."""
    plugin = Plugin(kind)
    more = {
        "kafka": ["KafkaProducer"],
        "confluent": ["KafkaProducer"],
        "rabbit": ["RabbitProducer"],
        "nats": ["Client", "JsClient"],
        "redis": ["Redis", "RedisChannelMessage"],
    }.get(kind, [])
    names = [f"{plugin.name}Broker", f"{plugin.name}Message", "Logger", "ContextRepo", *more]
    for name in names:
        _, marker = get_args(getattr(plugin.module, name))
        assert isinstance(marker, params.Depends)
    assert {f"{plugin.name}Router", "Context", *names} <= set(plugin.module.__all__)


def test_unknown_options_are_refused(kind: str) -> None:
    """By the broker, with its name."""
    from anystream.core.exceptions import OptionError, SetupError

    plugin = Plugin(kind)
    with pytest.raises(OptionError, match="no_such"):
        plugin.router(no_such=1)
    with pytest.raises(SetupError, match="dependency_overrides"):
        plugin.router(provider=None)


@pytest.mark.parametrize("kind", NOWHERE)
async def test_an_application_without_its_server_does_not_start(kind: str) -> None:
    """The error names the address; lifespans that were entered are left."""
    from anystream.core.exceptions import BrokerConnectionError

    steps: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            steps.append("left")

    router = Plugin(kind).router(NOWHERE[kind])
    router.subscriber("in")(application)
    router.after_startup(lambda app: steps.append("after startup"))
    with pytest.raises(BrokerConnectionError, match=r"127\.0\.0\.1:1"):
        async with lifespan_of(application(router, lifespan=lifespan)):
            steps.append("started")
    assert steps == ["left"]
    assert not router.broker.running
