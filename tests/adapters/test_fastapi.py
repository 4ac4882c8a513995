"""anystream in FastAPI."""

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient

from anystream.fastapi import broker_of, get_broker, setup
from tests.asgi_host_checks import AsgiHostChecks
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker
from tests.serving import serve

Other = Annotated[OtherBroker, Depends(broker_of(OtherBroker))]
First = Annotated[Any, Depends(get_broker)]


class TestFastAPI(AsgiHostChecks):
    """All that holds for every ASGI framework."""

    host = "fastapi"
    setup = staticmethod(setup)

    @staticmethod
    def make(journal: list[str]) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            journal.append("app.start")
            try:
                yield
            finally:
                journal.append("app.stop")

        app = FastAPI(lifespan=lifespan)

        @app.get("/publish")
        async def publish(broker: First) -> str:
            await broker.publish("http")
            return "published"

        @app.get("/other")
        async def other(broker: Other) -> str:
            return broker.name

        @app.get("/taken")
        async def taken() -> None: ...

        @app.websocket("/ws")
        async def socket(ws: WebSocket, broker: First) -> None:
            await ws.accept()
            await broker.publish("websocket")
            await ws.send_text("published")
            await ws.close()

        @app.api_route("/{path:path}", methods=["GET"])
        async def rest(path: str) -> str:
            return "catch-all"

        return app


def test_neither_dependency_nor_mounts_show_in_openapi() -> None:
    """The document knows the user's routes alone, without parameters of ours."""
    app = TestFastAPI.make([])
    setup(app, RecordingBroker(), asgi_routes=[("/m", PlainTextResponse("m"))])
    document = app.openapi()
    assert sorted(document["paths"]) == ["/other", "/publish", "/taken", "/{path}"]
    assert "parameters" not in document["paths"]["/publish"]["get"]


async def test_sub_application_gets_the_broker() -> None:
    """In a mounted FastAPI application the outer one's broker is found."""
    sub, app = FastAPI(), FastAPI()

    @sub.get("/publish")
    async def publish(broker: First, request: Request) -> str:
        assert get_broker(request) is broker
        return broker.name

    app.mount("/sub", sub)
    setup(app, RecordingBroker("outer"))
    async with serve(app) as address, httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/sub/publish")).json() == "outer"


def test_on_event_hooks_and_later_routers() -> None:
    """Deprecated hooks still run first; routers may be included after setup."""
    journal: list[str] = []
    app = FastAPI()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app.on_event("startup")(lambda: journal.append("app.start"))
        app.on_event("shutdown")(lambda: journal.append("app.stop"))
    setup(app, RecordingBroker(journal=journal))
    router = APIRouter()

    @router.get("/late")
    async def late(broker: First) -> str:
        return broker.name

    app.include_router(router)
    with TestClient(app) as client:
        assert client.get("/late").json() == "broker"
    assert journal == ["app.start", "broker.start", "broker.stop", "app.stop"]


def test_test_client_shows_the_error_itself() -> None:
    """In the test client a failed start is the broker's own exception."""
    app = FastAPI()
    setup(app, RecordingBroker(fail={"start": BrokerDown()}))
    with pytest.raises(BrokerDown), TestClient(app):
        pass


def test_dependency_override() -> None:
    """Tests may replace the broker as any other dependency."""
    app = TestFastAPI.make([])
    broker = RecordingBroker()
    setup(app, broker)
    fake = RecordingBroker("fake")
    fake.connected = True
    app.dependency_overrides[get_broker] = lambda: fake
    with TestClient(app) as client:
        client.get("/publish")
    assert fake.journal == ["fake.publish http"]
