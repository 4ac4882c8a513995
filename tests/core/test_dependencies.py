"""Where dependencies may stand, in which order they run, how they are replaced."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fast_depends import Provider
from fast_depends import ValidationError as DependsValidationError
from fast_depends.msgspec import MsgSpecSerializer
from pydantic import ValidationError

from anystream.core import Context, Depends, FastStream, NoCast, apply_types
from anystream.core.context import ContextRepo
from anystream.core.exceptions import BindingError
from anystream.memory import MemoryBroker, MemoryRouter, TestMemoryBroker


async def test_order_from_the_outside_in() -> None:
    """Broker, include, router, subscriber, handler, then parameters."""
    steps: list[str] = []

    def note(name: str) -> Any:
        async def dependency() -> None:
            steps.append(name)

        return Depends(dependency)

    broker = MemoryBroker(logger=None, dependencies=[note("broker")])
    router = MemoryRouter(dependencies=[note("router")])
    broker.include_router(router, dependencies=[note("include")])
    subscriber = router.subscriber("in", dependencies=[note("subscriber")])

    @subscriber(dependencies=[note("handler")])
    async def handler(value: Any = note("parameter")) -> None:
        steps.append("called")

    async with TestMemoryBroker(broker):
        await broker.publish(None, "in")
    assert steps == [
        "broker", "include", "router", "subscriber", "handler", "parameter", "called",
    ]  # fmt: skip


async def test_parameters_of_outer_dependencies_belong_to_the_body() -> None:
    """What a dependency of the broker takes counts as a field of the message."""
    seen: list[Any] = []

    async def check(token: str) -> None:
        seen.append(token)

    broker = MemoryBroker(logger=None, dependencies=[Depends(check)])

    @broker.subscriber("in")
    async def handler(user: str) -> None:
        seen.append(user)

    async with TestMemoryBroker(broker):
        await broker.publish({"user": "john", "token": "t"}, "in")
        with pytest.raises(ValidationError):
            await broker.publish({"user": "john"}, "in")
    assert seen == ["t", "john"]


async def test_teardown_comes_before_the_result_is_published() -> None:
    """A generator dependency is left after the handler, before its answer goes out."""
    steps: list[str] = []

    async def session() -> AsyncIterator[str]:
        steps.append("open")
        yield "s"
        steps.append("close")

    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    @broker.publisher("out")
    async def handler(opened: Annotated[str, Depends(session)]) -> str:
        steps.append("handler")
        return opened

    @broker.subscriber("out")
    async def receiver(body: str) -> None:
        steps.append(f"received {body}")

    async with TestMemoryBroker(broker):
        await broker.publish(None, "in")
    assert steps == ["open", "handler", "close", "received s"]


async def test_override_after_the_start() -> None:
    """Overrides of the broker's provider are looked up at every message."""

    async def real() -> str:
        return "real"

    async def fake() -> str:
        return "fake"

    broker = MemoryBroker(logger=None, provider=Provider())

    @broker.subscriber("in")
    async def handler(value: Annotated[str, Depends(real)]) -> str:
        return value

    async with TestMemoryBroker(broker):

        async def ask() -> Any:
            return await (await broker.request(None, "in")).decode()

        assert await ask() == "real"
        with broker.provider.scope(real, fake):
            assert await ask() == "fake"
        assert await ask() == "real"
        broker.provider.override(real, fake)
        assert await ask() == "fake"
        broker.provider.clear()
        assert await ask() == "real"


async def test_override_of_a_dependency_of_the_broker() -> None:
    """What stands in `dependencies=` can be replaced, too."""
    seen: list[str] = []

    async def real() -> None:
        seen.append("real")

    async def fake() -> None:
        seen.append("fake")

    broker = MemoryBroker(logger=None, provider=Provider(), dependencies=[Depends(real)])

    @broker.subscriber("in")
    async def handler() -> None: ...

    async with TestMemoryBroker(broker):
        await broker.publish(None, "in")
        with broker.provider.scope(real, fake):
            await broker.publish(None, "in")
    assert seen == ["real", "fake"]


async def test_override_of_a_nested_dependency_and_before_the_start() -> None:
    """It does not matter how deep the dependency is, nor when it is overridden."""

    async def base() -> str:
        return "base"

    async def middle(text: Annotated[str, Depends(base)]) -> str:
        return f"<{text}>"

    async def fake(amount: int) -> str:
        return f"fake {amount}"

    broker = MemoryBroker(logger=None, provider=Provider())

    @broker.subscriber("in")
    async def handler(user: str, value: Annotated[str, Depends(middle)]) -> str:
        return user + value

    broker.provider.override(base, fake)
    async with TestMemoryBroker(broker):
        body = {"user": "u", "amount": "3"}
        assert await (await broker.request(body, "in")).decode() == "u<fake 3>"
        broker.provider.clear()
        assert await (await broker.request("u", "in")).decode() == "u<base>"


async def test_errors_of_the_msgspec_serializer() -> None:
    """Each serializer has its own validation error."""
    broker = MemoryBroker(logger=None, serializer=MsgSpecSerializer())

    @broker.subscriber("in")
    async def handler(body: int) -> int:
        return body

    async with TestMemoryBroker(broker):
        with pytest.raises(DependsValidationError):
            await broker.publish("no number", "in")
        assert await (await broker.request("4", "in")).decode() == 4


async def test_nocast() -> None:
    """`NoCast[int]` is left as it came."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def handler(body: NoCast[int]) -> Any:
        return [body]

    async with TestMemoryBroker(broker):
        assert await (await broker.request("text", "in")).decode() == ["text"]


@pytest.mark.parametrize("given", ["broker", "application"])
async def test_the_provider_of_the_application(given: str) -> None:
    """A broker without a provider of its own uses the application's; its own one wins."""
    mine, apps = Provider(), Provider()
    broker = MemoryBroker(logger=None, **({"provider": mine} if given == "broker" else {}))
    FastStream(broker, logger=None, provider=apps)
    assert broker.provider is (mine if given == "broker" else apps)


async def test_the_serializer_of_the_application() -> None:
    """The same goes for the serializer, `None` included."""
    own, apps = MsgSpecSerializer(), MsgSpecSerializer()
    first = MemoryBroker(serializer=own)
    second = MemoryBroker()
    third = MemoryBroker(serializer=None)
    FastStream(first, second, third, serializer=apps)
    assert (first.serializer, second.serializer, third.serializer) == (own, apps, None)


async def test_apply_types_on_a_plain_function() -> None:
    """Injection and validation work outside brokers, with a context that is passed."""
    repo = ContextRepo({"user": "john"})

    @apply_types(context__=repo)
    async def call(number: int, user: Annotated[str, Context()]) -> Any:
        return number, user

    assert await call("3") == (3, "john")  # type: ignore[arg-type, call-arg]
    with pytest.raises(DependsValidationError):
        await call("three")  # type: ignore[arg-type, call-arg]


async def test_two_markers_at_once() -> None:
    """A marker as annotation and as default is refused at the start, with the place."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def twice(user: Annotated[str, Context()] = Context()) -> None: ...

    with pytest.raises(BindingError, match=r"twice.*test_dependencies\.py:\d+"):
        await broker.start()


async def test_calling_the_decorated_function() -> None:
    """What the decorator returns calls the function as it is."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def handler(a: int, b: int = 2) -> Any:
        """What it does."""
        return a, b

    assert await handler("1") == ("1", 2)  # type: ignore[arg-type]
    assert handler.__doc__ == "What it does."
    assert handler.__name__ == "handler"
