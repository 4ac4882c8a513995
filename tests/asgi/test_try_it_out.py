"""Try It Out: messages from the page meet copies of the brokers, and only those."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fast_depends.msgspec import MsgSpecSerializer
from msgspec import Struct
from pydantic import BaseModel, Field

from anystream.asgi import AsgiFastStream, AsyncAPIRoute
from anystream.asgi.factories import TryItOutProcessor
from anystream.core import BaseMiddleware, Context, FastStream, Logger
from anystream.core.exceptions import SetupError, StopApplication
from anystream.memory import MemoryBroker, MemoryRouter
from tests.asgi.uvicorn_server import served
from tests.recording_broker import RecordingBroker


class Order(BaseModel):
    item: str
    quantity: int = Field(ge=1)


def ask(channel: str, body: Any = None, **more: Any) -> dict[str, Any]:
    """A request as the page sends it."""
    sent = {"operation_id": f"{channel}Subscribe", "operation_type": "receive", "message": body}
    return {"channelName": channel, "message": sent, **more}


class Shop:
    """A broker with handlers that tell what they got and where they published."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.got: list[Any] = []
        self.real: list[Any] = []
        router = MemoryRouter("shop.")
        publisher = router.publisher("closure")

        @router.subscriber("orders")
        @router.publisher("invoices")
        async def order(order: Order, logger: Logger) -> dict[str, Any]:
            logger.info("ordered")
            self.got.append(order)
            await publisher.publish(order.item)
            await self.broker.publish(order.item, "shop.global")
            return {"total": order.quantity}

        @router.subscriber("invoices")
        async def invoice(body: dict[str, Any]) -> None:
            self.got.append(body)

        @router.subscriber("closure")
        async def closure(body: str) -> None:
            self.got.append(("closure", body))

        @self.broker.subscriber("shop.global")
        async def all_over(body: str, broker: Any = Context()) -> None:
            self.got.append(("global", broker is self.broker))

        self.broker.include_router(router)
        tap = MemoryBroker(self.broker.transport.bus)  # type: ignore[attr-defined]

        @tap.subscriber("shop.>")
        async def real(body: Any) -> None:
            self.real.append(body)

        self.tap = tap


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """The shop, with somebody who listens to its real subjects."""
    shop = Shop()
    await shop.tap.start()
    yield shop
    await shop.tap.stop()


async def tried(app: Any, *requests: Any, path: str = "/docs/try") -> list[httpx.Response]:
    """What the endpoint answers to requests."""
    async with served(app) as client:
        return [await client.post(path, json=request) for request in requests]


async def test_a_message_meets_a_copy(shop: Shop) -> None:
    """The handler runs and answers; whatever it publishes stays in the copy, closures too."""
    app = AsgiFastStream(shop.broker, asyncapi_path="/docs")
    (answer,) = await tried(app, ask("shop.orders:Order", {"item": "tea", "quantity": 2}))
    assert (answer.status_code, answer.json()) == (200, {"total": 2})
    assert answer.headers["content-type"] == "application/json"
    assert shop.got == [
        Order(item="tea", quantity=2),
        ("closure", "tea"),
        ("global", False),
        {"total": 2},
    ]
    assert shop.real == []


async def test_the_broker_itself_is_left_alone(shop: Shop) -> None:
    """Before, during and after a try the live broker is connected to what it was."""
    broker = shop.broker
    during: list[Any] = []

    @broker.subscriber("look")
    async def look() -> None:
        during.append((broker.transport, broker.running, broker.testing))

    app = AsgiFastStream(broker, asyncapi_path="/docs")
    async with served(app) as client:
        before = (broker.transport, broker.running, broker.testing)
        pipelines = [subscriber.pipeline for subscriber in broker.subscribers]
        await client.post("/docs/try", json=ask("look:Look"))
        await client.post("/docs/try", json=ask("shop.orders:Order", {"item": "tea"}))
        assert during == [before]
        assert (broker.transport, broker.running, broker.testing) == before
        assert [subscriber.pipeline for subscriber in broker.subscribers] == pipelines
        await broker.publish({"item": "real", "quantity": 3}, "shop.orders")
        while len(shop.real) < 4:
            await asyncio.sleep(0.01)
    assert shop.real[0] == {"item": "real", "quantity": 3}


async def test_a_bad_payload_shows_its_errors(shop: Shop) -> None:
    """The answer has the status, the error and each place that is wrong."""
    app = AsgiFastStream(shop.broker, asyncapi_path="/docs")
    bad, missing = await tried(
        app,
        ask("shop.orders:Order", {"item": "tea", "quantity": 0}),
        ask("shop.orders:Order", {"item": "tea"}),
    )
    assert bad.status_code == missing.status_code == 500
    assert "greater than or equal to 1" in bad.json()["details"]
    (error,) = bad.json()["errors"]
    assert error["loc"][-1] == "quantity"
    assert missing.json()["errors"][0]["msg"] == "Field required"
    assert shop.got == []


async def test_msgspec_errors() -> None:
    """Errors of the other serializer are told, too."""

    class Packed(Struct):
        id: int

    broker = MemoryBroker(serializer=MsgSpecSerializer(use_fastdepends_errors=False))

    @broker.subscriber("in")
    async def handle(body: Packed) -> Packed:
        return body

    app = AsgiFastStream(broker, asyncapi_path="/docs")
    good, bad = await tried(app, ask("in:Handle", {"id": 1}), ask("in:Handle", {"id": "x"}))
    assert good.json() == {"id": 1}
    assert bad.status_code == 500
    assert "int" in bad.json()["details"]


async def test_what_handlers_raise() -> None:
    """An exception is shown and ends nothing, not even the one that ends applications."""
    broker = MemoryBroker()

    @broker.subscriber("fail")
    async def fail(body: str) -> None:
        raise StopApplication if body == "stop" else RuntimeError(body)

    app = AsgiFastStream(broker, asyncapi_path="/docs")
    stopped, failed = await tried(app, ask("fail:Fail", "stop"), ask("fail:Fail", "why"))
    assert stopped.status_code == failed.status_code == 500
    assert failed.json() == {"details": "RuntimeError('why')"}


@pytest.mark.parametrize(
    ("answer", "shown"),
    [(None, "ok"), ("text", "text"), ({"a": [1]}, {"a": [1]}), (0, 0), (b"raw", "raw")],
)
async def test_replies(answer: Any, shown: Any) -> None:
    """The decoded reply, or "ok" where there is none."""
    broker = MemoryBroker()

    @broker.subscriber("in")
    async def handle() -> Any:
        return answer

    (got,) = await tried(AsgiFastStream(broker, asyncapi_path="/docs"), ask("in:Handle"))
    assert (got.status_code, got.json()) == (200, shown)


async def test_only_declared_channels() -> None:
    """A channel is found by its key or its address; what is hidden or unknown is a 404."""
    broker, other = MemoryBroker(), MemoryBroker()
    ran: list[str] = []

    @broker.subscriber("first", title="My/title")
    async def first() -> None:
        ran.append("first")

    @other.subscriber("second")
    async def second() -> None:
        ran.append("second")

    @other.subscriber("hidden", include_in_schema=False)
    async def hidden() -> None:
        ran.append("hidden")

    other.publisher("sent")
    app = AsgiFastStream(broker, other, asyncapi_path="/docs")
    names = [
        "My.title",
        "first:Whatever",
        "second",
        "hidden:Hidden",
        "sent:Publisher",
        "x:Y",
        "a.>",
    ]
    answers = await tried(app, *map(ask, names))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404, 404, 404, 404]
    assert answers[5].json() == {"details": "x destination not found."}
    assert ran == ["first", "first", "second"]


async def test_parameters_of_an_address() -> None:
    """Values for `{name}` parts come from the request."""
    broker = MemoryBroker()

    @broker.subscriber("logs.{level}.{size}")
    async def handle(level: str = Context("message.path.level")) -> str:
        return level

    app = AsgiFastStream(broker, asyncapi_path="/docs")
    parameters = {"level": "info", "size": "1", "more": "x"}
    given, none = await tried(
        app, ask("logs.{level}.{size}:Handle", parameters=parameters), ask("logs.{level}.{size}:H")
    )
    assert given.json() == "info"
    assert none.json() == "{level}"


async def test_tries_at_once_do_not_meet() -> None:
    """Concurrent tries each get their own answer, while real messages go their way."""
    broker = MemoryBroker()
    both, inside = asyncio.Event(), []

    @broker.subscriber("in")
    @broker.publisher("out")
    async def handle(body: int) -> int:
        inside.append(body)
        if len(inside) == 5:
            both.set()
        await asyncio.wait_for(both.wait(), 5)
        await broker.publish(body, "note")
        return body * 10

    noted: list[int] = []
    broker.subscriber("note")(lambda body: noted.append(body))
    app = AsgiFastStream(broker, asyncapi_path="/docs")
    async with served(app) as client:
        real = asyncio.ensure_future(broker.request(5, "in", timeout=10))
        posts = [client.post("/docs/try", json=ask("in:Handle", n)) for n in range(1, 5)]
        answers = await asyncio.gather(*posts)
        reply = await real
        assert [answer.json() for answer in answers] == [10, 20, 30, 40]
        assert await reply.decode() == 50
    assert sorted(noted) == [b"1", b"2", b"3", b"4", b"5"] or len(noted) == 5


async def test_middlewares_and_foreign_publishers() -> None:
    """Middlewares run; a publisher of a broker that is not in the document has a copy, too."""
    broker, hidden = MemoryBroker(), MemoryBroker()
    scopes: list[str] = []

    class Noting(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            scopes.append("consume")
            return await call_next(msg)

    broker.add_middleware(Noting)

    @broker.subscriber("in")
    @hidden.publisher("out")
    async def handle(body: int) -> int:
        return body

    @broker.subscriber("leak")
    async def leak() -> None:
        await stranger.publish(1, "anything")

    stranger = MemoryBroker()
    app = AsgiFastStream(broker, asyncapi_path="/docs")
    good, leaked = await tried(app, ask("in:Handle", 1), ask("leak:Leak"))
    assert (good.status_code, good.json()) == (200, 1)
    assert scopes
    assert leaked.status_code == 500
    assert "not part of what is tried out" in leaked.json()["details"]


async def test_the_real_broker_only_where_it_is_switched_on(shop: Shop) -> None:
    """A request for it is refused, unless the developer allowed it."""
    request = ask(
        "shop.orders:Order", {"item": "tea", "quantity": 1}, options={"sendToRealBroker": True}
    )
    (refused,) = await tried(AsgiFastStream(shop.broker, asyncapi_path="/docs"), request)
    assert refused.status_code == 403
    assert shop.real == []
    route = AsyncAPIRoute("/docs", try_it_out_real_broker=True)
    async with served(AsgiFastStream(shop.broker, asyncapi_path=route)) as client:
        assert '"realBroker": true' in (await client.get("/docs")).text
        sent = await client.post("/docs/try", json=request)
        assert (sent.status_code, sent.json()) == (200, "ok")
        while not shop.real:
            await asyncio.sleep(0.01)
    assert shop.real[0] == {"item": "tea", "quantity": 1}


@pytest.mark.parametrize(
    ("content", "status", "details"),
    [
        (b"{", 400, "Invalid JSON"),
        (b"\xff", 400, "Invalid JSON"),
        (b"[" * 100_000, 400, "Invalid JSON"),
        (b"[]", 400, "JSON object"),
        (b"{}", 400, "Missing channelName"),
        (b'{"channelName": ""}', 400, "Missing channelName"),
        (b'{"channelName": 1}', 400, "Missing channelName"),
        (b'{"channelName": "in", "message": 1, "options": 2, "parameters": 3}', 200, ""),
        (b'{"channelName": "' + b"x" * 2_000_000 + b'"}', 413, "larger than 1048576 bytes"),
    ],
)
async def test_bad_requests(content: bytes, status: int, details: str) -> None:
    """Each is told what is wrong with it."""
    broker = MemoryBroker()
    broker.subscriber("in")(lambda: None)
    async with served(AsgiFastStream(broker, asyncapi_path="/docs")) as client:
        headers = {"content-type": "application/json; charset=utf-8"}
        answer = await client.post("/docs/try", content=content, headers=headers)
    assert answer.status_code == status
    assert details in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://own.example", "host": "own.example"}, 200),
        ({"origin": "http://own.example", "x-forwarded-host": "own.example"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "http://seen.by.proxy"}, 200),
        ({"sec-fetch-site": "cross-site", "origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://friend.example", "sec-fetch-site": "cross-site"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ],
)
async def test_origins_and_content_types(headers: dict[str, str], status: int) -> None:
    """Only JSON, only from this very host or an origin that is named."""
    broker = MemoryBroker()
    broker.subscriber("in")(lambda: None)
    route = AsyncAPIRoute("/docs", try_it_out_origins=["https://friend.example"])
    async with served(AsgiFastStream(broker, asyncapi_path=route)) as client:
        own = {"content-type": "application/json", **headers}
        answer = await client.post("/docs/try", content=json.dumps(ask("in")), headers=own)
    assert answer.status_code == status
    friendly = headers.get("origin") == "https://friend.example"
    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed == ("https://friend.example" if friendly else None)


async def test_preflight() -> None:
    """An origin that is named may ask first; the others, and all without names, may not."""
    route = AsyncAPIRoute("/docs", try_it_out_origins=["https://friend.example"])
    async with served(AsgiFastStream(MemoryBroker(), asyncapi_path=route)) as client:
        for origin, status in (("https://friend.example", 204), ("https://evil.example", 403)):
            answer = await client.options("/docs/try", headers={"origin": origin})
            assert answer.status_code == status
            assert ("access-control-allow-origin" in answer.headers) == (status == 204)
    async with served(AsgiFastStream(MemoryBroker(), asyncapi_path="/docs")) as client:
        assert (await client.options("/docs/try")).status_code == 405


async def test_paths() -> None:
    """The endpoint is where the route says, or nowhere."""
    broker = MemoryBroker()
    broker.subscriber("in")(lambda: None)
    elsewhere = AsyncAPIRoute("/docs", try_it_out_path="/send")
    async with served(AsgiFastStream(broker, asyncapi_path=elsewhere)) as client:
        assert (await client.post("/send", json=ask("in"))).status_code == 200
        assert '"tryPath": "/send"' in (await client.get("/docs")).text
    for off in ({"try_it_out": False}, {"try_it_out_path": None}):
        route = AsyncAPIRoute("/docs", **off)  # type: ignore[arg-type]
        async with served(AsgiFastStream(broker, asyncapi_path=route)) as client:
            assert (await client.post("/docs/try", json=ask("in"))).status_code == 404
            assert '"tryUrl": null' in (await client.get("/docs")).text


async def test_without_a_broker_of_ours() -> None:
    """There is nothing to try."""
    (answer,) = await tried(AsgiFastStream(RecordingBroker(), asyncapi_path="/docs"), ask("in"))
    assert answer.status_code == 404
    for brokers in ((), (RecordingBroker(),), (FastStream(),)):
        with pytest.raises(ValueError, match="broker") as caught:
            TryItOutProcessor(*brokers)
        assert isinstance(caught.value, SetupError)
