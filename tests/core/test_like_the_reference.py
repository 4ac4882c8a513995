"""What programs written for FastStream count on, in small."""

from __future__ import annotations

import logging
from typing import Annotated, Any, ClassVar
from unittest.mock import MagicMock

import pytest
from fast_depends.msgspec import MsgSpecSerializer
from fast_depends.pydantic import PydanticSerializer

from anystream.asgi import AsgiFastStream
from anystream.asgi.request import AsgiRequest
from anystream.core import BaseMiddleware, Context, ContextRepo, FastStream
from anystream.core.annotations import Logger
from anystream.core.exceptions import BindingError, SetupError
from anystream.memory import MemoryBroker, TestMemoryBroker

pytestmark = pytest.mark.memory


class Seen(BaseMiddleware):
    """Writes down the correlation ids of what is published."""

    ids: ClassVar[list[Any]] = []

    async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
        self.ids.append(cmd.correlation_id)
        return await call_next(cmd)


async def test_middlewares_see_the_correlation_id_that_is_sent() -> None:
    """Publishes and requests of a broker and of a publisher have one before the middlewares."""
    broker = MemoryBroker(logger=None, middlewares=[Seen])
    publisher, arrived = broker.publisher("orders"), []
    Seen.ids = []

    @broker.subscriber("orders")
    async def handle(body: str, context: ContextRepo) -> None:
        arrived.append(context.get("message").correlation_id)

    async with TestMemoryBroker(broker):
        await broker.publish("tea", "orders")
        await publisher.publish("tea")
        await broker.request("tea", "orders")
    assert list(dict.fromkeys(Seen.ids)) == arrived  # the answer's is the request's
    assert len(arrived) == 3


@pytest.mark.parametrize("logger", [None, logging.getLogger("shop")])
async def test_logger_of_handlers_in_tests(logger: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It is a mock that can be asked, and what is logged goes on to the broker's logger."""
    broker, given = MemoryBroker(logger=logger), []

    @broker.subscriber("orders")
    async def handle(body: str, logger: Logger) -> None:
        logger.warning("no %s", body)
        given.append(logger)

    async with TestMemoryBroker(broker):
        await broker.publish("tea", "orders")
    assert isinstance(given[0], MagicMock)
    given[0].warning.assert_called_once_with("no %s", "tea")
    assert ("no tea" in caplog.text) is (logger is not None)
    assert not broker.context.has_global("logger")


async def test_users_own_logger_is_there_after_tests() -> None:
    """A global `logger` of the user's is watched and put back."""
    broker, own = MemoryBroker(logger=None), logging.getLogger("shop")
    broker.context.set_global("logger", own)
    async with TestMemoryBroker(broker):
        assert isinstance(broker.context.get("logger"), MagicMock)
    assert broker.context.get("logger") is own


async def test_hook_that_takes_any_option() -> None:
    """A hook with `**kwargs` gets all options, and its context, too."""
    app, given = FastStream(MemoryBroker(logger=None), logger=None), []

    @app.on_startup
    async def hook(context: ContextRepo, port: int, **options: Any) -> None:
        given.append((context is app.context, port, options))
        app.exit()

    await app.run(run_extra_options={"port": "8000", "env": "test"})
    assert given == [(True, 8000, {"env": "test"})]


async def test_exit_before_the_run() -> None:
    """An application that was told to end does not start; the next run is a new one."""
    app, started = FastStream(MemoryBroker(logger=None), logger=None), []

    @app.after_startup
    async def note() -> None:
        started.append(1)
        app.exit()

    app.exit()
    await app.run()
    assert not started
    await app.run()
    assert started


async def test_asgi_application_says_that_it_starts(caplog: pytest.LogCaptureFixture) -> None:
    """The four lines of an application are those of an ASGI application, too."""
    caplog.set_level(logging.INFO)
    app = AsgiFastStream(MemoryBroker(logger=None), logger=logging.getLogger("shop"))
    async with app.start_lifespan_context():
        pass
    said = [record.message for record in caplog.records if record.name == "shop"]
    assert said == [
        "FastStream app starting...",
        "FastStream app started successfully! To exit, press CTRL+C",
        "FastStream app shutting down...",
        "FastStream app shut down gracefully.",
    ]


async def test_asgi_application_without_a_broker() -> None:
    """The error names the application."""
    app = AsgiFastStream(logger=None)
    with pytest.raises(SetupError, match="AsgiFastStream has no broker to start"):
        async with app.start_lifespan_context():
            pass


def test_request_made_by_hand() -> None:
    """The three channels of ASGI can be given."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    assert AsgiRequest(scope, MagicMock(), MagicMock()).method == "GET"


@pytest.mark.parametrize("case", ["annotation", "serializer"])
async def test_what_cannot_be_validated_fails_at_the_start(case: str) -> None:
    """Not at each message: the error names the handler, its place and the reason."""
    serializer: Any = MsgSpecSerializer if case == "serializer" else PydanticSerializer()
    broker = MemoryBroker(logger=None, serializer=serializer)

    class Unknown:
        def __get_pydantic_core_schema__(self, *_: Any) -> Any:
            raise RuntimeError("no schema")

    async def handle(body: Any) -> None: ...

    handle.__annotations__["body"] = int if case == "serializer" else list[Unknown()]  # type: ignore[misc]
    broker.subscriber("orders")(handle)
    with pytest.raises(BindingError, match=r"handle` \(tests/core/test_like_the_reference.py:\d+"):
        await broker.start()
    await broker.stop()


def test_what_is_declared_says_how_it_is_documented() -> None:
    """Subscribers and publishers have a `specification` with name, description and channels."""
    broker = MemoryBroker(logger=None)
    titled = broker.subscriber("orders", title="Orders", description="What is bought")
    hidden = broker.subscriber("secrets", include_in_schema=False)
    publisher = broker.publisher("bills")

    @titled
    @hidden
    async def handle(body: str) -> None:
        """Writes a bill."""

    assert titled.specification.name == "Orders"
    assert titled.specification.description == "What is bought"
    assert list(titled.specification.get_schema()) == ["Orders"]
    assert (hidden.specification.name, hidden.specification.include_in_schema) == ("", False)
    assert publisher.specification.name == "bills:Publisher"


async def test_connection_in_the_context() -> None:
    """`Context("broker._connection")` is the client's connection."""
    broker, given = MemoryBroker(logger=None), []

    @broker.subscriber("orders")
    async def handle(body: str, connection: Annotated[Any, Context("broker._connection")]) -> None:
        given.append(connection)

    async with TestMemoryBroker(broker):
        await broker.publish("tea", "orders")
        assert given == [broker.transport.native]
