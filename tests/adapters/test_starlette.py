"""anystream in Starlette."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from anystream.core.exceptions import NotStarted
from anystream.starlette import get_broker, setup
from tests.asgi_host_checks import AsgiHostChecks
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker
from tests.serving import serve


async def publish(request: Request) -> PlainTextResponse:
    await get_broker(request).publish("http")
    return PlainTextResponse("published")


async def other(request: Request) -> PlainTextResponse:
    return PlainTextResponse(get_broker(request, OtherBroker).name)


async def rest(request: Request) -> PlainTextResponse:
    return PlainTextResponse("catch-all")


async def socket(ws: WebSocket) -> None:
    await ws.accept()
    await get_broker(ws).publish("websocket")
    await ws.send_text("published")
    await ws.close()


class TestStarlette(AsgiHostChecks):
    """All that holds for every ASGI framework."""

    host = "starlette"
    setup = staticmethod(setup)

    @staticmethod
    def make(journal: list[str]) -> Starlette:
        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
            journal.append("app.start")
            try:
                yield {"db": "open"}
            finally:
                journal.append("app.stop")

        routes = [
            Route("/publish", publish),
            Route("/other", other),
            Route("/taken", rest),
            WebSocketRoute("/ws", socket),
            Route("/{path:path}", rest),
        ]
        return Starlette(routes=routes, lifespan=lifespan)


async def test_mounted_sub_application_gets_the_broker() -> None:
    """In a sub-application the outer one's broker is found."""
    sub = Starlette(routes=[Route("/publish", publish)])
    app = Starlette(routes=[Mount("/sub", sub)])
    broker = RecordingBroker()
    setup(app, broker)
    async with serve(app) as address, httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/sub/publish")).text == "published"


async def test_setup_of_a_mounted_application_says_why(caplog: pytest.LogCaptureFixture) -> None:
    """Starlette never starts a mounted application: the log and the error name that."""
    sub = Starlette(routes=[Route("/publish", publish)])
    setup(sub, RecordingBroker())
    outer = Starlette(routes=[Mount("/sub", sub)])
    reason = "a sub-application that is mounted"
    with TestClient(outer) as client, pytest.raises(NotStarted, match=reason):
        client.get("/sub/publish")
    assert "a sub-application that is mounted" in caplog.text


async def test_mounted_starlette_application_builds_its_own_urls() -> None:
    """`url_for` of an application among asgi_routes finds its routes, below its path."""

    async def where(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(request.url_for("here")))

    app = Starlette()
    mounted = Starlette(routes=[Route("/where", where, name="here")])
    setup(app, RecordingBroker(), asgi_routes=[("/m", mounted)])
    async with serve(app) as address, httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}/m/where")
        assert answer.text == f"http://{address}/m/where"


def test_state_of_the_lifespan_is_kept() -> None:
    """What the user's lifespan yields reaches the requests."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {"db": "open"}

    async def state(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.db)

    app = Starlette(routes=[Route("/state", state)], lifespan=lifespan)
    setup(app, RecordingBroker())
    with TestClient(app) as client:
        assert client.get("/state").text == "open"


def test_test_client_shows_the_error_itself() -> None:
    """In Starlette's test client a failed start is the broker's own exception."""
    app = Starlette()
    setup(app, RecordingBroker(fail={"start": BrokerDown()}))
    with pytest.raises(BrokerDown), TestClient(app):
        pass


def test_without_setup() -> None:
    """Asking for a broker that was never set up says what to call."""
    with pytest.raises(NotStarted, match=r"call `anystream\.starlette\.setup"):
        get_broker(Starlette())
