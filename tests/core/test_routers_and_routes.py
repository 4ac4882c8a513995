"""Brokers and routers: prefixes, inclusion, deferred routes, what is remembered."""

import gc
from typing import Any

import pytest

from anystream.core import BaseMiddleware, Context, Depends, Path, Response
from anystream.core.exceptions import IncorrectState, SetupError
from anystream.core.router import Router
from anystream.memory import (
    MemoryBroker,
    MemoryPublisher,
    MemoryRoute,
    MemoryRouter,
    TestMemoryBroker,
)


async def echo(body: Any) -> Any:
    """The handler of these tests."""
    return body


async def test_prefixes_add_up() -> None:
    """Every inclusion and every router adds its prefix, also for what is included later."""
    inner, middle, broker = MemoryRouter("c."), MemoryRouter("b."), MemoryBroker(logger=None)
    subscriber, publisher = inner.subscriber("in"), inner.publisher("out")
    subscriber(echo)
    assert subscriber.full_address == "c.in"
    middle.include_router(inner, prefix="x.")
    broker.include_router(middle, prefix="a.")
    assert subscriber.full_address == "a.b.x.c.in"
    assert publisher.destination == "a.b.x.c.out"
    later = MemoryRouter("later.")
    later.subscriber("in")(echo)
    middle.include_router(later)
    assert [sub.full_address for sub in broker.subscribers] == ["a.b.x.c.in", "a.b.later.in"]
    async with TestMemoryBroker(broker):
        assert await (await broker.request("text", "a.b.x.c.in")).decode() == "text"


async def test_path_values_with_prefixes() -> None:
    """A prefix may have `{name}` parts, too."""
    broker, router = MemoryBroker(logger=None), MemoryRouter("{tenant}.")
    broker.include_router(router)

    @router.subscriber("in.{kind}")
    async def handler(tenant: str = Path(), kind: str = Path()) -> str:
        return f"{tenant}/{kind}"

    async with TestMemoryBroker(broker):
        assert await (await broker.request(None, "acme.in.x")).decode() == "acme/x"


def test_declaration_order() -> None:
    """Subscribers and publishers are listed in the order of their declaration."""
    broker = MemoryBroker()
    for number in range(20):
        broker.subscriber(f"s{number}")
        broker.publisher(f"p{number}")
    assert [sub.address for sub in broker.subscribers] == [f"s{n}" for n in range(20)]
    assert [pub.address for pub in broker.publishers] == [f"p{n}" for n in range(20)]


def test_deferred_routes() -> None:
    """Routes with publishers, given to the router; the router is given to the broker."""
    route = MemoryRoute(
        echo, "in", "queue", publishers=(MemoryPublisher("one"), MemoryPublisher("two"))
    )
    broker = MemoryBroker(routers=[MemoryRouter("r.", handlers=(route,))])
    (subscriber,) = broker.subscribers
    assert subscriber.full_address == "r.in"
    assert subscriber.source.queue == "queue"
    assert [pub.destination for pub in broker.publishers] == ["r.one", "r.two"]
    assert subscriber.calls[0].call.publishers == broker.publishers


def test_including_again_and_elsewhere() -> None:
    """Twice in the same parent is once; another parent takes it over."""
    one, two, router = MemoryBroker(), MemoryBroker(), MemoryRouter("r.")
    subscriber = router.subscriber("in")
    one.include_router(router, prefix="one.")
    one.include_router(router, prefix="again.")
    assert one.subscribers == [subscriber]
    assert subscriber.full_address == "one.r.in"
    assert subscriber.broker is one
    two.include_router(router)
    assert (one.subscribers, two.subscribers) == ([], [subscriber])
    assert subscriber.full_address == "r.in"
    assert subscriber.broker is two


def test_wrong_routers() -> None:
    """Another family, something else, a circle: each is an error that says so."""
    broker = MemoryBroker()

    class Foreign(Router):
        family = "foreign"

    for wrong in (Foreign(), object(), MemoryRouter, None):
        with pytest.raises(SetupError, match="Router must be an instance of"):
            broker.include_router(wrong)  # type: ignore[arg-type]
    outer, inner = MemoryRouter(), MemoryRouter()
    outer.include_router(inner)
    with pytest.raises(SetupError, match="itself"):
        inner.include_router(outer)
    with pytest.raises(SetupError, match="itself"):
        outer.include_router(outer)


async def test_a_router_without_a_broker() -> None:
    """Its objects say that it has to be included."""
    router = MemoryRouter()
    subscriber, publisher = router.subscriber("in"), router.publisher("out")
    subscriber(echo)
    with pytest.raises(IncorrectState, match="include_router"):
        await subscriber.start()
    with pytest.raises(IncorrectState, match="include_router"):
        await publisher.publish(1)


def test_include_in_schema() -> None:
    """Hidden on any level is hidden."""

    def visible(**levels: Any) -> bool:
        broker = MemoryBroker()
        router = MemoryRouter(include_in_schema=levels.get("router"))
        subscriber = router.subscriber("in")
        broker.include_router(router, include_in_schema=levels.get("include"))
        return subscriber.merged.include_in_schema

    assert visible()
    assert visible(router=True, include=True)
    assert not visible(router=False)
    assert not visible(include=False)
    assert not visible(router=False, include=True)


def test_weak_subscribers_and_publishers() -> None:
    """`persistent=False`: the broker forgets what the program forgets."""
    broker = MemoryBroker()
    kept = broker.subscriber("kept", persistent=False)
    broker.subscriber("dropped", persistent=False)
    broker.publisher("dropped", persistent=False)
    gc.collect()
    assert broker.subscribers == [kept]
    assert broker.publishers == []


async def test_one_function_for_many_subscribers() -> None:
    """Decorators may be stacked, across brokers, too; the result is one object."""
    one, two = MemoryBroker(logger=None), MemoryBroker(logger=None)

    @one.subscriber("a")
    @one.subscriber("b")
    @two.subscriber("c")
    async def handler(body: Any) -> None: ...

    assert {sub.calls[0].call for broker in (one, two) for sub in broker.subscribers} == {handler}
    async with TestMemoryBroker(one, two):
        for subject in "abc":
            await one.publish(subject, subject)
        assert [call.args[0] for call in handler.mock.call_args_list] == ["a", "b", "c"]


async def test_results_for_another_broker() -> None:
    """A publisher of another broker gets the result, through its own middlewares."""
    seen: list[Any] = []

    class Noting(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            seen.append(cmd.destination)
            return await call_next(cmd)

    one, two = MemoryBroker(logger=None), MemoryBroker(logger=None, middlewares=[Noting])

    @one.subscriber("in")
    @two.publisher("out")
    async def handler(body: str) -> str:
        return body.upper()

    @two.subscriber("out")
    async def out(body: str) -> None: ...

    async with TestMemoryBroker(one), TestMemoryBroker(two):
        await one.publish("x", "in")
        out.mock.assert_called_once_with("X")
    assert seen == ["out"]


async def test_options_of_publishing() -> None:
    """A publisher's static options fill what a call leaves open."""
    broker = MemoryBroker(logger=None)
    publisher = broker.publisher("out", headers={"a": "static", "b": "static"}, reply_to="back")
    got: list[Any] = []

    @broker.subscriber(">", no_reply=True)
    async def out(message: Any = Context()) -> None:
        got.append((message.raw_message.subject, message.headers, message.reply_to))

    async with TestMemoryBroker(broker):
        await publisher.publish(1, headers={"b": "call"}, correlation_id="c")
        await publisher.publish(1, subject="other", reply_to="mine", correlation_id="d")
        await broker.publish(None, "plain", correlation_id="e")
    json = {"content-type": "application/json"}
    static = {"a": "static", "b": "static"}
    assert got == [
        ("out", {**json, **static, "b": "call", "correlation_id": "c"}, "back"),
        ("other", {**json, **static, "correlation_id": "d"}, "mine"),
        ("plain", {"correlation_id": "e"}, ""),
    ]


async def test_own_ids() -> None:
    """`id_generator` makes the correlation ids."""
    ids = iter("abc")
    broker = MemoryBroker(logger=None, id_generator=lambda: next(ids))

    @broker.subscriber("in")
    async def handler(body: int) -> Any:
        return Response(body)

    async with TestMemoryBroker(broker):
        assert (await broker.request(1, "in")).correlation_id == "a"
        assert (await broker.request(1, "in", correlation_id="x")).correlation_id == "x"


async def test_none_is_published_too() -> None:
    """A handler that returns nothing publishes an empty body."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    @broker.publisher("out")
    async def handler(body: int) -> None: ...

    @broker.subscriber("out")
    async def out(body: Any) -> None: ...

    async with TestMemoryBroker(broker):
        await broker.publish(1, "in")
        out.mock.assert_called_once_with(b"")


async def test_dependencies_of_an_inclusion_reach_later_handlers() -> None:
    """What is declared on a router after its inclusion has everything around it."""
    calls: list[str] = []

    async def note() -> None:
        calls.append("dependency")

    broker, router = MemoryBroker(logger=None), MemoryRouter()
    broker.include_router(router, prefix="p.", dependencies=[Depends(note)])
    router.subscriber("in")(echo)
    async with TestMemoryBroker(broker):
        await broker.publish(1, "p.in")
    assert calls == ["dependency"]


def test_readable_objects() -> None:
    """`repr` says what it is; a handler that is none is refused."""
    broker = MemoryBroker()
    subscriber = broker.subscriber("in")
    wrapper = subscriber(echo)
    assert repr(broker) == "<MemoryBroker memory://localhost>"
    assert repr(subscriber) == "<Subscriber 'in' -> echo>"
    assert repr(wrapper) == "<handler echo>"
    assert "out" in repr(broker.publisher("out"))
    assert "r." in repr(MemoryRouter("r."))
    with pytest.raises(SetupError, match="needs a function"):
        broker.subscriber("x")(5)
