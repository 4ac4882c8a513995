"""ExceptionMiddleware: exceptions become actions or answers."""

from typing import Annotated, Any

import pytest

from anystream.core import Context, Depends, ExceptionMiddleware, Logger
from anystream.core.exceptions import SkipMessage
from anystream.memory import MemoryBroker, TestMemoryBroker


def broker_raising(middleware: Any, error: Exception) -> MemoryBroker:
    """A broker whose handler on `in` raises; what is published goes to `out`."""
    broker = MemoryBroker(logger=None, middlewares=[middleware])

    @broker.subscriber("in")
    @broker.publisher("out")
    async def handler(body: Any) -> str:
        raise error

    @broker.subscriber("out")
    async def out(body: Any) -> None: ...

    return broker


async def test_a_handler_swallows() -> None:
    """The function is called with the exception; nothing is published, nobody sees an error."""
    got: list[Any] = []

    async def note(error: ValueError) -> str:
        got.append(error)
        return "ignored"

    boom = ValueError("boom")
    broker = broker_raising(ExceptionMiddleware(handlers={ValueError: note}), boom)
    async with TestMemoryBroker(broker):
        await broker.publish(1, "in")
        answer = await broker.request(1, "in")
        assert await answer.decode() == b""
        assert not broker.publishers[0].mock.called
    assert got == [boom, boom]


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_publish_handler_answers(kind: str) -> None:
    """What the function returns is published in place of the result."""
    middleware = ExceptionMiddleware()

    async def later(error: Exception) -> str:
        return f"sorry: {error}"

    def at_once(error: Exception) -> str:
        return f"sorry: {error}"

    middleware.add_handler(ValueError, publish=True)(later if kind == "async" else at_once)
    broker = broker_raising(middleware, ValueError("boom"))
    async with TestMemoryBroker(broker):
        answer = await broker.request(1, "in")
        assert await answer.decode() == "sorry: boom"
        broker.publishers[0].mock.assert_called_once_with("sorry: boom")


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("publish", [True, False])
async def test_arguments_are_injected(kind: str, publish: bool) -> None:
    """The functions may ask for Context, Logger and Depends, plain functions too."""
    got: list[Any] = []
    middleware = ExceptionMiddleware()

    def body(message: Annotated[Any, Context()]) -> bytes:
        return message.body  # type: ignore[no-any-return]

    async def later(
        error: ValueError,
        logger: Logger,
        broker: Annotated[Any, Context()],
        message: Any = Context("message"),
        raw: Any = Depends(body),
    ) -> None:
        got.append((str(error), hasattr(logger, "info"), broker, message.body, raw))

    def at_once(
        error: ValueError,
        logger: Logger,
        broker: Annotated[Any, Context()],
        message: Any = Context("message"),
        raw: Any = Depends(body),
    ) -> None:
        got.append((str(error), hasattr(logger, "info"), broker, message.body, raw))

    middleware.add_handler(ValueError, publish)(later if kind == "async" else at_once)
    broker = broker_raising(middleware, ValueError("boom"))
    async with TestMemoryBroker(broker):
        await broker.publish(1, "in")
    assert got == [("boom", True, broker, b"1", b"1")]


async def test_the_nearest_class_is_taken() -> None:
    """The order of the exception's bases decides, not that of registration."""
    got: list[str] = []
    middleware = ExceptionMiddleware()

    @middleware.add_handler(Exception)
    def anything(error: Exception) -> None:
        got.append("any")

    @middleware.add_handler(LookupError)
    def lookup(error: Exception) -> None:
        got.append("lookup")

    for error in (KeyError("k"), OSError("o")):
        broker = broker_raising(middleware, error)
        async with TestMemoryBroker(broker):
            await broker.publish(1, "in")
    assert got == ["lookup", "any"]


async def test_control_exceptions_pass() -> None:
    """SkipMessage and its like are not errors, whatever is registered for Exception."""
    got: list[Any] = []
    middleware = ExceptionMiddleware({Exception: got.append}, {Exception: got.append})
    broker = broker_raising(middleware, SkipMessage())
    async with TestMemoryBroker(broker):
        await broker.publish(1, "in")
    assert got == []


async def test_an_error_in_the_function_comes_out() -> None:
    """It replaces the first one."""

    def fail(error: Exception) -> None:
        raise KeyError("second")

    broker = broker_raising(ExceptionMiddleware({ValueError: fail}), ValueError("first"))
    async with TestMemoryBroker(broker):
        with pytest.raises(KeyError, match="second"):
            await broker.publish(1, "in")


async def test_a_parser_that_fails() -> None:
    """There is no message yet: the context's `message` is the native one."""
    got: list[Any] = []

    def parser(raw: Any) -> Any:
        raise ValueError("unreadable")

    middleware = ExceptionMiddleware()

    @middleware.add_handler(ValueError)
    def note(error: Exception, message: Annotated[Any, Context()]) -> None:
        got.append(message.subject)

    broker = MemoryBroker(logger=None, middlewares=[middleware], parser=parser)

    @broker.subscriber("in")
    async def handler() -> None: ...

    async with TestMemoryBroker(broker):
        await broker.publish(1, "in")
    assert got == ["in"]


async def test_a_body_that_does_not_validate() -> None:
    """Validation errors are exceptions like any other."""
    from pydantic import ValidationError

    middleware = ExceptionMiddleware(publish_handlers={ValidationError: lambda error: "invalid"})
    broker = MemoryBroker(logger=None, middlewares=[middleware])

    @broker.subscriber("in")
    async def handler(body: int) -> None: ...

    async with TestMemoryBroker(broker):
        assert await (await broker.request("x", "in")).decode() == "invalid"


async def test_a_swallowed_exception_counts_as_success() -> None:
    """The message is acknowledged: the middleware took care of it."""
    got: list[Any] = []
    middleware = ExceptionMiddleware({ValueError: lambda error: None})
    broker = MemoryBroker(logger=None, middlewares=[middleware])

    @broker.subscriber("in")
    async def handler(message: Annotated[Any, Context()]) -> None:
        got.append(message)
        raise ValueError("boom")

    async with TestMemoryBroker(broker):
        await broker.publish(1, "in")
    assert got[0].committed == "ACKED"
