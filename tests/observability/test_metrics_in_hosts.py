"""prometheus_client's own ASGI application, mounted in every host by the same call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, make_asgi_app

from anystream.asgi import AsgiFastStream
from anystream.core import FastStream
from anystream.memory import MemoryBroker
from anystream.memory.prometheus import MemoryPrometheusMiddleware
from tests.adapters.serving import child, free_port, wait_until_answering
from tests.benchmarks.hosts import APPS
from tests.serving import serve

pytestmark = pytest.mark.memory
SAMPLE = (
    'anystream_received_messages_total{app_name="anystream",broker="memory",handler="orders"} 1.0'
)


def observed() -> tuple[Any, CollectorRegistry]:
    """A stream that publishes to itself once it has started."""
    registry = CollectorRegistry()
    broker = MemoryBroker(logger=None, middlewares=[MemoryPrometheusMiddleware(registry=registry)])

    @broker.subscriber("orders")
    async def handle(body: str) -> None: ...

    stream = FastStream(broker, logger=None)

    @stream.after_startup
    async def publish() -> None:
        await broker.publish("tea", "orders")

    return stream, registry


def mounted(host: str) -> Any:
    """An application of a framework with the metrics at /metrics."""
    stream, registry = observed()
    app = APPS[host]()
    setup = import_module(f"anystream.{host}").setup
    setup(app, stream, asgi_routes=[("/metrics", make_asgi_app(registry))])
    return app


@asynccontextmanager
async def hosted(host: str, folder: Path) -> AsyncIterator[str]:
    """Serves it on what the framework is deployed on; gives `host:port`."""
    if host == "sanic":
        port = free_port()
        module = "tests.observability.sanic_metrics"
        with child(module, str(port), log=folder / "log") as process:
            wait_until_answering(process, port)
            yield f"127.0.0.1:{port}"
    elif host == "aiohttp":
        from aiohttp.test_utils import TestServer

        async with TestServer(mounted(host)) as server:
            yield f"127.0.0.1:{server.port}"
    else:
        async with serve(mounted(host)) as address:
            yield address


async def scraped(address: str) -> str:
    async with httpx.AsyncClient(follow_redirects=True, timeout=20) as client:
        answer = await client.get(f"http://{address}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


@pytest.mark.parametrize("host", sorted(APPS))
async def test_metrics_are_served(host: str, tmp_path: Path) -> None:
    """The numbers of the broker's middleware are scraped from the framework's server."""
    async with hosted(host, tmp_path) as address:
        assert SAMPLE in (await scraped(address)).splitlines()


async def test_metrics_are_served_by_the_built_in_application() -> None:
    """AsgiFastStream takes the same pair."""
    stream, registry = observed()
    app = stream.as_asgi(asgi_routes=[("/metrics", make_asgi_app(registry))])
    assert isinstance(app, AsgiFastStream)
    async with serve(app) as address:
        assert SAMPLE in (await scraped(address)).splitlines()
