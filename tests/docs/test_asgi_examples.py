"""The examples of docs_src/asgi, on a real server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from docs_src.asgi import document, endpoints, health, hosting, plain_lifespan, probes, serving
from tests.serving import serve

pytestmark = pytest.mark.memory


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):
        yield client


async def test_endpoints() -> None:
    """Arguments of every kind; 405 and 422 where they belong."""
    async with client_of(endpoints.app) as client:
        assert (await client.get("/live")).status_code == 200
        found = await client.get("/search?q=tea&q=milk", headers={"X-Token": "t"})
        assert found.json() == {"words": ["tea", "milk"], "token": "t", "brokers": 1}
        assert (await client.get("/search")).status_code == 422
        assert (await client.post("/orders", json={"item": "tea"})).status_code == 202
        refused = await client.get("/orders")
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST, HEAD")
        assert (await client.get("/nowhere")).status_code == 404


async def test_probes() -> None:
    """All three answer with details while the application runs."""
    async with client_of(probes.app) as client:
        for path in ("live", "ready", "started"):
            answer = await client.get(f"/health/{path}")
            assert (answer.status_code, answer.json()["status"]) == (200, "ok")
            if path == "ready":
                shown = json.loads(Path(probes.__file__).with_suffix(".json").read_text())
                assert answer.json()["checks"] == shown["checks"]
                told, example = answer.json()["brokers"][0], shown["brokers"][0]
                assert told.keys() == example.keys()
                assert told["subscribers"][0].keys() == example["subscribers"][0].keys()
        assert [each["name"] for each in answer.json()["brokers"]] == [
            "MemoryBroker",
            "MemoryBroker 2",
        ]


async def test_health() -> None:
    """Alive, ready, and somebody else's ASGI application."""
    async with client_of(health.app) as client:
        assert (await client.get("/liveness")).status_code == 200
        assert (await client.get("/readiness")).status_code == 204
        assert (await client.post("/readiness")).status_code == 405
        assert (await client.get("/metrics/")).status_code == 200
    assert await health.broker.ping() is False


async def test_document() -> None:
    """The page is at the path, the document at the path with .json, endpoints included."""
    async with client_of(document.app) as client:
        page = await client.get("/docs/asyncapi")
        assert "<title>Shop AsyncAPI</title>" in page.text
        answer = await client.get("/docs/asyncapi.json")
        assert answer.headers["content-type"] == "application/json"
        assert (await client.get("/version")).text == "1.2.0"
    found = answer.json()
    assert (found["asyncapi"], found["info"]["title"]) == ("3.0.0", "Shop")
    addresses = {channel["address"] for channel in found["channels"].values()}
    assert {"orders", "/version"} <= addresses


async def test_hosting() -> None:
    """A stream in an AsgiFastStream, reached through the context."""
    async with client_of(hosting.app) as client:
        assert (await client.get("/publish")).status_code == 202


async def test_plain_lifespan() -> None:
    """Without an adapter: the endpoints are mounts of FastAPI's own."""
    async with client_of(plain_lifespan.app) as client:
        assert (await client.get("/health/")).status_code == 204
        assert (await client.get("/asyncapi/?format=json")).json()["asyncapi"] == "3.0.0"


async def test_serving() -> None:
    """`app.run()` serves until `exit()`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    task = asyncio.ensure_future(serving.main(host="127.0.0.1", port=port, log_config=None))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        while not serving.app.started:
            await asyncio.sleep(0.01)
        for _ in range(100):
            try:
                status = (await client.get("/health")).status_code
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
    assert status == 204
    serving.app.exit()
    await asyncio.wait_for(task, 10)
