"""What people write first, coming from the pages they know: it works under our names."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from fast_depends.msgspec import MsgSpecSerializer
from pydantic import BaseModel, Field, PositiveInt, ValidationError

from anystream.asgi import (
    make_asyncapi_asgi,
    make_ping_asgi,
)
from anystream.core import Depends, FastStream, Logger
from anystream.nats import NatsBroker, NatsMessage, TestNatsBroker
from anystream.specification import AsyncAPI
from tests.serving import serve


@pytest.fixture
def broker(nats_url: str) -> NatsBroker:
    """A broker without declarations; started by those tests that are marked."""
    return NatsBroker(nats_url)


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", follow_redirects=True) as client,
    ):
        yield client


class TestHandlers:
    """Handlers, validation, dependencies."""

    async def test_plain_parameters(self, broker: NatsBroker) -> None:
        """Several plain arguments, a result that goes on, a mock for both."""

        @broker.subscriber("in")
        @broker.publisher("out")
        async def handle(name: str, number: int) -> str:
            return f"{number}: {name}"

        @broker.subscriber("out")
        async def last(text: str) -> None: ...

        async with TestNatsBroker(broker) as br:
            await br.publish({"name": "Ada", "number": "1"}, subject="in")
            handle.mock.assert_called_once_with({"name": "Ada", "number": "1"})
            last.mock.assert_called_once_with("1: Ada")

    async def test_model(self, broker: NatsBroker) -> None:
        """A pydantic model; what does not fit is refused."""

        class User(BaseModel):
            name: str = Field(..., examples=["Ada"])
            number: PositiveInt

        @broker.subscriber("in")
        async def handle(data: User) -> str:
            return data.name

        async with TestNatsBroker(broker) as br:
            await br.publish(User(name="Ada", number=1), "in")
            with pytest.raises(ValidationError):
                await br.publish("no user", "in")

    async def test_msgspec(self, nats_url: str) -> None:
        """msgspec in place of pydantic."""
        broker = NatsBroker(nats_url, serializer=MsgSpecSerializer())

        class User(msgspec.Struct):
            name: str

        async def handle(data: User) -> str:
            return data.name

        broker.subscriber("in")(handle)
        async with TestNatsBroker(broker) as br:
            answer = await br.request({"name": "Ada"}, "in")
            assert await answer.decode() == "Ada"

    async def test_message(self, broker: NatsBroker) -> None:
        """The message by its annotation; acknowledging by hand does no harm."""

        @broker.subscriber("in")
        @broker.publisher("out")
        async def handle(message: NatsMessage) -> None:
            await message.ack()

        async with TestNatsBroker(broker) as br:
            await br.publish("text", "in")
            handle.mock.assert_called_once_with("text")

    @pytest.mark.parametrize("annotated", [True, False])
    async def test_dependencies(self, broker: NatsBroker, annotated: bool) -> None:
        """Depends as a default and in Annotated, beside the logger."""

        async def base() -> bool:
            return True

        if annotated:

            @broker.subscriber("in")
            async def handle(
                body: str, logger: Logger, given: Annotated[bool, Depends(base)]
            ) -> bool:
                return given

        else:

            @broker.subscriber("in")
            async def handle(body: str, logger: Logger, given: bool = Depends(base)) -> bool:
                return given

        async with TestNatsBroker(broker) as br:
            assert await (await br.request("text", "in")).decode() is True

    def test_application(self, broker: NatsBroker) -> None:
        """Positional broker, hooks as decorators."""
        app = FastStream(broker)

        @app.after_startup
        async def publish_smth() -> None: ...

        assert app.broker is broker


@pytest.mark.nats
class TestWithoutAdapters:
    """A broker's own `start` and `stop` in each framework's own hooks."""

    async def running(self, broker: NatsBroker, app: Any) -> None:
        async with client_of(app) as client:
            assert broker.running
            assert (await client.get("/")).status_code == 200
        assert not broker.running

    async def test_litestar(self, broker: NatsBroker) -> None:
        """Bound methods as hooks."""
        from litestar import Litestar, get

        @get("/")
        async def index() -> str:
            return ""

        app = Litestar([index], on_startup=[broker.start], on_shutdown=[broker.stop])
        await self.running(broker, app)

    async def test_aiohttp(self, broker: NatsBroker) -> None:
        """on_startup and on_cleanup."""
        from aiohttp import web
        from aiohttp.test_utils import TestServer

        async def start(app: web.Application) -> None:
            await broker.start()

        async def stop(app: web.Application) -> None:
            await broker.stop()

        app = web.Application()
        app.on_startup.append(start)
        app.on_cleanup.append(stop)
        async with TestServer(app):
            assert broker.running
        assert not broker.running

    async def test_blacksheep(self, broker: NatsBroker) -> None:
        """on_start and on_stop."""
        from blacksheep import Application, Router

        app: Any = Application(router=Router())

        @app.on_start
        async def start(application: Any) -> None:
            await broker.start()

        @app.on_stop
        async def stop(application: Any) -> None:
            await broker.stop()

        @app.router.get("/")
        async def index() -> str:
            return ""

        await self.running(broker, app)

    async def test_falcon(self, broker: NatsBroker) -> None:
        """A middleware with start and stop."""
        import falcon.asgi

        class Brokers:
            async def process_startup(self, scope: Any, event: Any) -> None:
                await broker.start()

            async def process_shutdown(self, scope: Any, event: Any) -> None:
                await broker.stop()

        class Index:
            async def on_get(self, req: Any, resp: Any) -> None: ...

        app: Any = falcon.asgi.App(middleware=[Brokers()])
        app.add_route("/", Index())
        await self.running(broker, app)

    async def test_quart(self, broker: NatsBroker) -> None:
        """before_serving and after_serving."""
        from quart import Quart

        app = Quart("seed")

        @app.before_serving
        async def start() -> None:
            await broker.start()

        @app.after_serving
        async def stop() -> None:
            await broker.stop()

        @app.get("/")
        async def index() -> str:
            return ""

        await self.running(broker, app)

    async def test_sanic(self, broker: NatsBroker) -> None:
        """after_server_start and after_server_stop."""
        from sanic import Sanic, text

        app: Any = Sanic("seed")

        @app.after_server_start
        async def start(app: Any) -> None:
            await broker.start()

        @app.after_server_stop
        async def stop(app: Any) -> None:
            await broker.stop()

        @app.get("/")
        async def index(request: Any) -> Any:
            return text("up" if broker.running else "down")

        _, response = await app.asgi_client.get("/")
        assert response.text == "up"
        assert not broker.running

    async def test_fastapi(self, broker: NatsBroker) -> None:
        """`async with broker` and `start` in a lifespan; endpoints as FastAPI's own mounts."""
        from fastapi import FastAPI

        @asynccontextmanager
        async def start_broker(app: FastAPI) -> AsyncIterator[None]:
            async with broker:
                await broker.start()
                yield

        app = FastAPI(lifespan=start_broker)
        app.mount("/health", make_ping_asgi(broker, timeout=5.0))
        app.mount("/asyncapi", make_asyncapi_asgi(AsyncAPI(broker), try_it_out=False))
        app.mount("/older", make_asyncapi_asgi(FastStream(broker)))
        async with client_of(app) as client:
            assert (await client.get("/health")).status_code == 204
            for path in ("/asyncapi", "/older"):
                assert (await client.get(f"{path}?format=json")).json()["asyncapi"] == "3.0.0"


def test_deprecated_name(broker: NatsBroker) -> None:
    """The old verb still works, and says so."""
    app = FastStream()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        app.set_broker(broker)
    assert [item.category for item in said] == [DeprecationWarning]
    assert app.brokers == [broker]
