"""Brokers and applications of FastStream itself live in our adapters."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from anystream.asgi import make_ping_asgi
from anystream.starlette import get_broker, setup
from tests.serving import ServerFailed, serve

faststream = pytest.importorskip("faststream")
nats = pytest.importorskip("faststream.nats")


async def publish(request: Request) -> PlainTextResponse:
    await get_broker(request).publish("hello", "anystream.foreign")
    return PlainTextResponse("published")


@pytest.mark.nats
@pytest.mark.parametrize("whole_application", [False, True])
async def test_faststream_in_starlette(nats_url: str, whole_application: bool) -> None:
    """Published by an HTTP handler, consumed in the same process, pinged."""
    broker = nats.NatsBroker(nats_url, logger=None)
    received: asyncio.Queue[str] = asyncio.Queue()

    @broker.subscriber("anystream.foreign")
    async def handle(text: str) -> None:
        received.put_nowait(text)

    stream: Any = faststream.FastStream(broker, logger=None) if whole_application else broker
    app = Starlette(routes=[Route("/publish", publish)])
    setup(app, stream, asgi_routes=[("/ping", make_ping_asgi(broker, timeout=5.0))])
    async with serve(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        assert (await client.get("/ping")).status_code == 204
        assert (await client.get("/publish")).text == "published"
        assert await asyncio.wait_for(received.get(), 5) == "hello"
    assert not await broker.ping(0.1)


async def test_dead_server_fails_in_time(caplog: pytest.LogCaptureFixture) -> None:
    """A broker that would try for two minutes is cut, and named."""
    app = Starlette()
    broker = nats.NatsBroker("nats://127.0.0.1:9", logger=None)
    setup(app, broker, start_timeout=0.3, stop_timeout=1.0)
    with pytest.raises(ServerFailed):
        async with serve(app):
            pass
    assert "NatsBroker did not start within 0.3 s" in caplog.text
