"""The demo of `make demo`, in all hosts and on both brokers."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import httpx
import pytest
from aiohttp.test_utils import TestServer

from docs_src.demo import main, orders
from tests.serving import serve

ORDER = {"item": "tea", "quantity": 2, "price": 4.5}
IN_TEST_CLIENT = ("sanic",)  # its own server wants a process, see the test below


@asynccontextmanager
async def served(app: Any, host: str) -> AsyncIterator[str]:
    if host == "aiohttp":
        async with TestServer(app) as server:
            yield f"http://127.0.0.1:{server.port}"
    else:
        async with serve(app) as address:
            yield f"http://{address}"


async def until_invoiced(client: httpx.AsyncClient) -> Any:
    for _ in range(500):
        found = (await client.get("/orders")).json()
        if found:
            return found
        await asyncio.sleep(0.01)
    return None


async def check(client: httpx.AsyncClient) -> None:
    """What the demo tells its user to try."""
    accepted = await client.post("/orders", json=ORDER)
    assert (accepted.status_code, accepted.json()) == (202, {"accepted": "tea"})
    refused = await client.post("/orders", json={"item": "tea"})
    assert refused.status_code in (400, 422)
    assert "price" in refused.text
    assert await until_invoiced(client) == [{"item": "tea", "total": 9.0}]
    assert (await client.get("/health")).status_code == 204
    document = (await client.get("/docs/asyncapi.json")).json()
    assert document["info"]["title"] == "Orders"


@pytest.mark.memory
@pytest.mark.parametrize("host", [host for host in main.HOSTS if host not in IN_TEST_CLIENT])
async def test_demo(host: str) -> None:
    """Order, refusal, invoice, health, document."""
    orders.invoices.clear()
    app = import_module(f"docs_src.demo.on_{host}").build(orders.make_stream("memory"))
    async with served(app, host) as url, httpx.AsyncClient(base_url=url) as client:
        await check(client)


async def process_of(host: str, broker: str) -> None:
    port = _free_port()
    command = [sys.executable, "docs_src/demo/main.py", host, broker, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                for _ in range(300):
                    try:
                        await client.get("/health")
                        break
                    except httpx.ConnectError:
                        assert process.poll() is None
                        await asyncio.sleep(0.1)
                await check(client)
            await asyncio.sleep(0.5)  # Sanic ignores signals for a moment after its first requests
            process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(process.wait, 20) == 0
        finally:
            process.kill()
        assert process.stdout is not None
        assert b"Traceback" not in process.stdout.read()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.slow
@pytest.mark.memory
@pytest.mark.parametrize("host", ["sanic", "aiohttp"])
async def test_process(host: str) -> None:
    """`make demo` as a user runs it, with Ctrl-C at the end."""
    await process_of(host, "memory")


@pytest.mark.slow
@pytest.mark.nats
async def test_process_on_nats(monkeypatch: pytest.MonkeyPatch, nats_url: str) -> None:
    """The same on a server."""
    monkeypatch.setenv("ANYSTREAM_NATS_URL", nats_url)
    await process_of("asgi", "nats")
