"""TestBroker and TestApp: what a user's tests rely on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import MagicMock

import pytest
from pydantic import BaseModel

from anystream.core import FastStream, Response, TestApp
from anystream.core.exceptions import FeatureNotSupportedException, SetupError, SubscriberNotFound
from anystream.memory import MemoryBroker, MemoryRouter, TestMemoryBroker


class Order(BaseModel):
    user: str


def declared() -> tuple[MemoryBroker, Any, Any]:
    """A broker with a handler that answers and publishes."""
    broker = MemoryBroker(logger=None)
    publisher = broker.publisher("out")

    @broker.subscriber("in")
    @publisher
    async def handler(order: Order) -> str:
        if order.user == "bad":
            raise ValueError("bad user")
        return f"hello {order.user}"

    return broker, handler, publisher


async def test_mocks_get_the_decoded_body() -> None:
    """Handlers and publishers have mocks, and forget their calls on the way out."""
    broker, handler, publisher = declared()
    for _ in range(2):
        async with TestMemoryBroker(broker) as entered:
            assert entered is broker
            assert isinstance(handler.mock, MagicMock)
            await broker.publish({"user": "john"}, "in")
            handler.mock.assert_called_once_with({"user": "john"})
            publisher.mock.assert_called_once_with("hello john")
            await handler.wait_call(timeout=1)
    with pytest.raises(SetupError, match="test mode"):
        _ = handler.mock
    with pytest.raises(SetupError, match="test mode"):
        _ = publisher.mock
    with pytest.raises(SetupError, match="test mode"):
        await handler.wait_call()


async def test_assertions_with_more_than_the_body() -> None:
    """Body as published or as decoded, headers as a subset, ids."""
    broker, handler, publisher = declared()
    async with TestMemoryBroker(broker):
        await broker.publish(
            Order(user="a"), "in", headers={"h": "1", "i": "2"}, correlation_id="c"
        )
        await handler.assert_called_once_with(Order(user="a"))
        await handler.assert_called_with({"user": "a"}, headers={"h": "1"}, correlation_id="c")
        await publisher.assert_called_once_with("hello a", correlation_id="c")
        await broker.publish(Order(user="b"), "in")
        await handler.assert_any_call(Order(user="a"))
        for check, body, more in (
            (handler.assert_called_once_with, Order(user="b"), {}),
            (handler.assert_called_with, Order(user="a"), {}),
            (handler.assert_any_call, Order(user="c"), {}),
            (handler.assert_any_call, Order(user="a"), {"headers": {"h": "2"}}),
        ):
            with pytest.raises(AssertionError):
                await check(body, **more)


async def test_exceptions_come_out_of_the_publish() -> None:
    """Also through a router, and `wait_call` raises them again."""
    broker, handler, _ = declared()
    async with TestMemoryBroker(broker):
        with pytest.raises(ValueError, match="bad user"):
            await broker.publish({"user": "bad"}, "in")
        with pytest.raises(ValueError, match="bad user"):
            await handler.wait_call()


async def test_delivery_is_in_the_callers_task() -> None:
    """When `publish` returns, the handler is through, and what it published was handled."""
    broker, _, _ = declared()
    tasks: list[Any] = []

    @broker.subscriber("out")
    async def out(body: str) -> None:
        tasks.append(asyncio.current_task())

    async with TestMemoryBroker(broker):
        await broker.publish({"user": "john"}, "in")
    assert tasks == [asyncio.current_task()]


async def test_request_in_test_mode() -> None:
    """The answer of the first handler; nobody there is an error; the time-out is kept."""
    broker, _, _ = declared()
    publisher = broker.publisher("in")

    @broker.subscriber("slow")
    async def slow() -> None:
        await asyncio.Event().wait()

    @broker.subscriber("response")
    async def response() -> Response:
        return Response(1, headers={"h": "v"}, correlation_id="own")

    async with TestMemoryBroker(broker):
        answer = await broker.request({"user": "john"}, "in", correlation_id="c")
        assert (await answer.decode(), answer.correlation_id) == ("hello john", "c")
        assert await (await publisher.request({"user": "x"})).decode() == "hello x"
        publisher.mock.assert_called_with({"user": "x"})
        answer = await broker.request(None, "response")
        assert (answer.headers["h"], answer.correlation_id) == ("v", "own")
        with pytest.raises(SubscriberNotFound):
            await broker.request(1, "nowhere")
        with pytest.raises(TimeoutError):
            await broker.request(None, "slow", timeout=0.01)
        assert await broker.publish(1, "nowhere") is None


async def test_several_brokers() -> None:
    """All given brokers reach each other; a list comes out."""
    one, two = MemoryBroker(logger=None), MemoryBroker(logger=None)

    @two.subscriber("in")
    async def handler(body: int) -> None: ...

    async with TestMemoryBroker(one, two) as both:
        assert both == [one, two]
        await one.publish(1, "in")
        handler.mock.assert_called_once_with(1)


async def test_everything_is_undone_after_an_error() -> None:
    """An exception in the block leaves the real broker as it was."""
    broker, handler, _ = declared()
    transport = broker.transport

    async def fail_inside() -> None:
        async with TestMemoryBroker(broker):
            assert broker.transport is not transport
            raise KeyError("in the test")

    for _ in range(2):
        with pytest.raises(KeyError):
            await fail_inside()
        assert broker.transport is transport
        assert not broker.running
        assert handler.recorder is None
    done = asyncio.Event()

    @broker.subscriber("out")
    async def out(body: str) -> None:
        done.set()

    await broker.start()
    await broker.publish({"user": "john"}, "in")
    await asyncio.wait_for(done.wait(), 5)
    await broker.stop()


async def test_a_failing_start_is_undone() -> None:
    """When the test broker cannot be entered, nothing stays behind."""
    broker, handler, _ = declared()
    transport = broker.transport
    broker.subscriber("bad", codec=object(), decoder=lambda message: 1)(handler)
    with pytest.raises(SetupError):
        async with TestMemoryBroker(broker):
            pass
    assert (broker.transport, broker.connected, handler.recorder) == (transport, False, None)


async def test_with_the_real_transport() -> None:
    """`with_real=True` only adds the mocks."""
    broker, handler, publisher = declared()
    transport = broker.transport
    async with TestMemoryBroker(broker, with_real=True):
        assert broker.transport is transport
        await broker.publish({"user": "john"}, "in")
        await handler.wait_call(timeout=5)
        handler.mock.assert_called_once_with({"user": "john"})
        await broker.subscribers[0].stop()
        publisher.mock.assert_called_once_with("hello john")
    assert not broker.connected


@pytest.mark.parametrize("first", ["broker", "app"])
async def test_with_an_application(first: str) -> None:
    """TestBroker and TestApp in one `async with`, in both orders; hooks run once."""
    broker, handler, publisher = declared()
    steps: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        steps.append("in")
        yield
        steps.append("out")

    app = FastStream(broker, logger=None, lifespan=lifespan)

    @app.on_startup
    async def before() -> None:
        steps.append("on_startup")

    @app.after_startup
    async def greet() -> None:
        await broker.publish({"user": "hook"}, "in")
        steps.append("after_startup")

    @app.on_shutdown
    async def goodbye() -> None:
        await broker.publish({"user": "bye"}, "in")

    for _ in range(2):
        steps.clear()
        if first == "broker":
            async with TestMemoryBroker(broker), TestApp(app) as entered:
                assert entered is app
                handler.mock.assert_called_once_with({"user": "hook"})
                await broker.publish({"user": "john"}, "in")
                publisher.mock.assert_called_with("hello john")
        else:
            async with TestApp(app), TestMemoryBroker(broker):
                await broker.publish({"user": "john"}, "in")
                handler.mock.assert_called_once_with({"user": "john"})
        assert steps == ["in", "on_startup", "after_startup", "out"]
        assert not broker.connected
        assert not broker.running
        assert not broker.testing


async def test_connect_only() -> None:
    """`connect_only=True` leaves the start to the application."""
    broker, handler, _ = declared()
    app = FastStream(broker, logger=None)
    async with TestMemoryBroker(broker, connect_only=True):
        assert not broker.running
        async with TestApp(app):
            assert broker.running
            await broker.publish({"user": "john"}, "in")
            handler.mock.assert_called_once_with({"user": "john"})


async def test_stopping_inside_changes_nothing() -> None:
    """Code under test may stop its broker; the test goes on."""
    broker, handler, _ = declared()
    async with TestMemoryBroker(broker):
        await broker.stop()
        assert await broker.ping(1)
        async with FastStream(broker, logger=None):
            pass
        await broker.publish({"user": "john"}, "in")
        handler.mock.assert_called_once_with({"user": "john"})
        await broker.start()
    assert not await broker.ping(1)


def test_test_app_without_a_loop() -> None:
    """`with TestApp(app)` runs everything in a thread of its own."""
    broker, _, _ = declared()
    steps: list[str] = []
    app = FastStream(broker, logger=None)
    app.on_startup(lambda port: steps.append(port))
    app.on_shutdown(lambda: steps.append("stop"))
    with TestApp(app, {"port": "80"}) as entered:
        assert entered is app
        assert broker.running
    assert not broker.running
    assert steps == ["80", "stop"]

    @app.on_startup
    def fail() -> None:
        raise LookupError("boom")

    with pytest.raises(LookupError), TestApp(app, {"port": "80"}):
        pass


async def test_prefixes_of_routers() -> None:
    """Subscribers and publishers of routers are found by their full address."""
    broker, router = MemoryBroker(logger=None), MemoryRouter("pre.")
    broker.include_router(router, prefix="api.")
    publisher = router.publisher("out")

    @router.subscriber("in")
    @publisher
    async def handler(body: int) -> int:
        return body

    async with TestMemoryBroker(broker):
        await broker.publish(1, "api.pre.in")
        handler.mock.assert_called_once_with(1)
        publisher.mock.assert_called_once_with(1)


async def test_batches_in_test_mode() -> None:
    """A batch handler gets a list of one."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in", batch=True)
    async def handler(bodies: list[int]) -> None: ...

    async with TestMemoryBroker(broker):
        await broker.publish("5", "in")
        handler.mock.assert_called_once_with(["5"])


async def test_what_does_not_work_in_test_mode() -> None:
    """get_one says so; something that is no such broker is refused."""
    broker = MemoryBroker(logger=None)
    subscriber = broker.subscriber("in")
    async with TestMemoryBroker(broker):
        with pytest.raises(FeatureNotSupportedException):
            await subscriber.get_one(timeout=0)
    for wrong in ((), (object(),)):
        with pytest.raises(SetupError):
            TestMemoryBroker(*wrong)


async def test_things_declared_inside_the_block() -> None:
    """A publisher and a handler that come later have mocks, too."""
    broker = MemoryBroker(logger=None)
    async with TestMemoryBroker(broker):
        publisher = broker.publisher("in")
        subscriber = broker.subscriber("in")

        @subscriber
        async def handler(body: int) -> None: ...

        await subscriber.start()
        await publisher.publish(1)
        handler.mock.assert_called_once_with(1)
        publisher.mock.assert_called_once_with(1)
    assert handler.recorder is None
    assert publisher.recorder is None
    assert not subscriber.running
