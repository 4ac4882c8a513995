"""Routers, routes, prefixes; and what handlers can ask for: context, dependencies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from anystream.core import (
    BaseMiddleware,
    Context,
    ContextRepo,
    Depends,
    FastStream,
    Header,
    NoCast,
    TestApp,
)
from anystream.core.exceptions import IncorrectState, SetupError
from tests.brokers.harness import Can
from tests.brokers.rig import Rig

needs = pytest.mark.needs
Message = Annotated[Any, Context("message")]


def cut(address: str, parts: int = 2) -> list[str]:
    """An address in pieces, dots included."""
    words = address.split(".", parts - 1)
    return [f"{word}." for word in words[:-1]] + [words[-1]]


async def test_a_prefix(rig: Rig) -> None:
    """A router's prefix stands before its subscribers' addresses."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    prefix, rest = cut(address)
    router = rig.router(prefix=prefix)

    @rig.subscribe(router, rest)
    async def handle(body: str) -> None:
        seen(body)

    broker.include_router(router)
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == "x"


async def test_a_prefix_before_publishers(rig: Rig) -> None:
    """And before its publishers' addresses: as decorators and as objects."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    prefix, rest = cut(address)
    router = rig.router(prefix=prefix)
    publisher = rig.publisher(router, cut(out)[1])

    @rig.subscribe(router, rest)
    @publisher
    async def handle(body: str) -> str:
        return body.upper()

    @rig.subscribe(broker, out)
    async def after(body: str) -> None:
        seen(body)

    broker.include_router(router)
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        await seen.count(1)
        await publisher.publish("object")
        assert await seen.count(2) == ["X", "object"]


async def test_nested_routers(rig: Rig) -> None:
    """Prefixes add up from outside, that of the inclusion between the two."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    first, second, rest = cut(address, 3)
    outer, inner = rig.router(prefix=first), rig.router(prefix=second[2:])

    @rig.subscribe(inner, rest)
    async def handle(body: str) -> None:
        seen(body)

    outer.include_router(inner, prefix=second[:2])
    broker.include_router(outer)
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == "x"


async def test_a_router_included_twice(rig: Rig) -> None:
    """The second inclusion in the same broker does nothing: one delivery, not two."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    router = rig.router()

    @rig.subscribe(router, address)
    async def handle(body: str) -> None:
        seen(body)

    broker.include_router(router)
    broker.include_router(router, prefix="other.")
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        await seen.count(1)
        await rig.nothing_more()
    assert seen.items == ["x"]


async def test_declared_after_the_inclusion(rig: Rig) -> None:
    """What a router declares later counts, too."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    router = rig.router()
    broker.include_router(router)

    @rig.subscribe(router, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == "x"


async def test_routers_of_the_constructor(rig: Rig) -> None:
    """`routers=` includes them."""
    address, seen = rig.address(), rig.seen()
    router = rig.router()

    @rig.subscribe(router, address)
    async def handle(body: str) -> None:
        seen(body)

    broker = rig.broker(routers=[router])
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == "x"


async def test_routes(rig: Rig) -> None:
    """Handlers declared elsewhere, with their publishers."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    prefix, rest = cut(address)

    async def upper(body: str) -> str:
        return body.upper()

    async def after(body: str) -> None:
        seen(body)

    publisher = rig.route_publisher(cut(out)[1])
    router = rig.router(
        prefix=prefix,
        handlers=[rig.route(upper, rest, publishers=[publisher]), rig.route(after, cut(out)[1])],
    )
    broker.include_router(router)
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == "X"


async def test_middlewares_of_a_router(rig: Rig) -> None:
    """They concern its handlers alone."""
    found: list[bytes] = []

    class Noting(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            found.append(msg.body)
            return await call_next(msg)

    broker, address, other, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    router = rig.router(middlewares=[Noting])

    @rig.subscribe(router, address)
    async def inside(body: str) -> None:
        seen(body)

    @rig.subscribe(broker, other)
    async def outside(body: str) -> None:
        seen(body)

    broker.include_router(router)
    async with rig.running(broker):
        await rig.publish(broker, "in", address)
        await rig.publish(broker, "out", other)
        assert sorted(await seen.count(2)) == ["in", "out"]
    assert found == [b"in"]


async def test_dependencies_of_all_layers(rig: Rig) -> None:
    """Broker, inclusion, router, subscriber, handler: from outside, each before the handler."""
    called: list[str] = []

    def note(name: str) -> Any:
        def dependency() -> None:
            called.append(name)

        return Depends(dependency)

    broker = rig.broker(dependencies=[note("broker")])
    router = rig.router(dependencies=[note("router")])
    address, seen = rig.address(), rig.seen()
    subscriber = rig.subscribe(router, address, dependencies=[note("subscriber")])

    @subscriber(dependencies=[note("handler")])
    async def handle(own: Annotated[None, note("parameter")]) -> None:
        seen(list(called))

    broker.include_router(router, dependencies=[note("inclusion")])
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == [
            *("broker", "inclusion", "router", "subscriber", "handler", "parameter")
        ]


async def test_a_router_of_another_family(rig: Rig) -> None:
    """It is refused, and the error says which one is needed."""
    from anystream.core.router import Router

    with pytest.raises(SetupError, match="Router must be an instance of"):
        rig.broker().include_router(Router())
    with pytest.raises(SetupError, match="Router must be an instance of"):
        rig.broker().include_router(rig.broker())


async def test_a_router_that_nobody_includes(rig: Rig) -> None:
    """Its publishers say so."""
    publisher = rig.publisher(rig.router(), rig.address())
    with pytest.raises(IncorrectState, match="include_router"):
        await publisher.publish("x")


async def test_a_router_moved_to_another_broker(rig: Rig) -> None:
    """Including it elsewhere takes it from where it was."""
    first, second = rig.brokers(2)
    address, seen = rig.address(), rig.seen()
    router = rig.router()

    @rig.subscribe(router, address)
    async def handle(body: str, broker: Annotated[Any, Context()]) -> None:
        seen((body, broker is second))

    first.include_router(router)
    second.include_router(router)
    assert first.subscribers == []
    async with rig.running(first, second):
        await rig.publish(first, "x", address)
        assert await seen.one() == ("x", True)
        await rig.nothing_more()
    assert len(seen.items) == 1


async def test_the_context(rig: Rig) -> None:
    """Broker, message, context, handler and what the program has put there."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    broker.context.set_global("setting", {"deep": 5})

    @rig.subscribe(broker, address)
    async def handle(
        own: Annotated[Any, Context("broker")],
        context: ContextRepo,
        handler_: Annotated[Any, Context()],
        deep: Annotated[int, Context("setting.deep")],
        message_id: Annotated[str, Context("message.message_id")],
        missing: Annotated[str, Context(default="none")],
    ) -> None:
        seen((own, context, handler_, deep, bool(message_id), missing))

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        own, context, handler_, deep, message_id, missing = await seen.one()
    assert own is broker
    assert context is broker.context
    assert handler_ is broker.subscribers[0]
    assert (deep, message_id, missing) == (5, True, "none")


async def test_each_message_has_its_own_context(rig: Rig) -> None:
    """`set_local` in a handler does not reach the next message."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: int, context: ContextRepo) -> None:
        seen((body, context.get_local("mark")))
        context.set_local("mark", body)

    async with rig.running(broker):
        await rig.publish(broker, 1, address)
        await seen.count(1)
        # in test mode both run in this task, whose own context the first one may have changed
        if rig.on_server:
            await rig.publish(broker, 2, address)
            assert await seen.count(2) == [(1, None), (2, None)]


async def test_an_application(rig: Rig) -> None:
    """Its context, and itself, reach handlers; it starts and stops the broker."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    app = FastStream(broker, logger=None)
    app.context.set_global("setting", "from the app")

    @rig.subscribe(broker, address)
    async def handle(app: Annotated[Any, Context()], setting: Annotated[str, Context()]) -> None:
        seen((app, setting))

    async with rig.prepared(broker), TestApp(app):
        await rig.publish(broker, "x", address)
        assert await seen.one() == (app, "from the app")
    assert not broker.running


async def test_dependencies(rig: Rig) -> None:
    """Plain, async, cached, with parts of the body, with teardown."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    steps: list[str] = []

    def plain(number: int) -> int:
        steps.append("plain")
        return number + 1

    async def further(base: Annotated[int, Depends(plain)]) -> int:
        return base * 10

    async def resource() -> AsyncIterator[str]:
        steps.append("open")
        yield "resource"
        steps.append("close")

    def plain_resource() -> Iterator[str]:
        yield "plain resource"

    @rig.subscribe(broker, address)
    async def handle(
        name: str,
        base: Annotated[int, Depends(plain)],
        more: Annotated[int, Depends(further)],
        opened: Annotated[str, Depends(resource)],
        other: Annotated[str, Depends(plain_resource)],
    ) -> None:
        steps.append("handler")
        seen((name, base, more, opened, other))

    async with rig.running(broker):
        await rig.publish(broker, {"name": "a", "number": "4"}, address)
        assert await seen.one() == ("a", 5, 50, "resource", "plain resource")
        while steps[-1] != "close":
            await rig.tick()
    assert sorted(steps[:2]) == ["open", "plain"]
    assert steps[2:] == ["handler", "close"]


async def test_overridden_dependencies(rig: Rig) -> None:
    """`provider.override` counts, also while running."""
    from fast_depends import Provider

    broker = rig.broker(provider=Provider())
    address, seen = rig.address(), rig.seen()

    def real() -> str:
        return "real"

    @rig.subscribe(broker, address)
    async def handle(value: Annotated[str, Depends(real)]) -> None:
        seen(value)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        await seen.count(1)
        broker.provider.override(real, lambda: "fake")
        await rig.publish(broker, "x", address)
        assert await seen.count(2) == ["real", "fake"]


@needs(Can.HEADERS)
async def test_headers_in_dependencies(rig: Rig) -> None:
    """A dependency may ask for headers and context like a handler."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    def user(token: Annotated[str, Header()], message: Message) -> str:
        return f"{token} {message.correlation_id}"

    @rig.subscribe(broker, address)
    async def handle(body: str, name: Annotated[str, Depends(user)]) -> None:
        seen((body, name))

    async with rig.running(broker):
        await rig.publish(broker, "x", address, headers={"token": "t"}, correlation_id="c")
        assert await seen.one() == ("x", "t c")


async def test_no_cast(rig: Rig) -> None:
    """`NoCast` hands an argument out as it was decoded."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: NoCast[int]) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "5", address)
        assert await seen.one() == "5"


async def test_without_types(rig: Rig) -> None:
    """`apply_types=False` validates nothing."""
    broker, address, seen = rig.broker(apply_types=False), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: int) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "five", address)
        assert await seen.one() == "five"


async def test_msgspec(rig: Rig) -> None:
    """Another serializer validates and writes."""
    import msgspec
    from fast_depends.msgspec import MsgSpecSerializer

    class Item(msgspec.Struct):
        number: int

    broker, address, seen = rig.broker(serializer=MsgSpecSerializer()), rig.address(), rig.seen()

    async def handle(item: Any) -> None:
        seen(item)

    handle.__annotations__["item"] = Item
    rig.subscribe(broker, address)(handle)
    async with rig.running(broker):
        await rig.publish(broker, Item(number=3), address)
        assert await seen.one() == Item(number=3)


async def test_without_a_serializer(rig: Rig) -> None:
    """`serializer=None` writes plain JSON and validates nothing; dependencies still work."""
    broker, address, seen = rig.broker(serializer=None), rig.address(), rig.seen()

    def five() -> int:
        return 5

    @rig.subscribe(broker, address)
    async def handle(body: str, number: Annotated[int, Depends(five)]) -> None:
        seen((body, number))

    async with rig.running(broker):
        await rig.publish(broker, {"a": [1]}, address)
        assert await seen.one() == ({"a": [1]}, 5)


class Order(BaseModel):
    number: int


async def test_a_function_stays_callable(rig: Rig) -> None:
    """The decorated handler can be called as the function that it was."""
    broker, address = rig.broker(), rig.address()

    @rig.subscribe(broker, address)
    async def handle(order: Order) -> int:
        return order.number + 1

    assert await handle(Order(number=1)) == 2
