"""The examples of docs_src/adapters: handlers, sub-applications, websockets, test clients."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import aiohttp
import httpx
import pytest
import websockets
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from docs_src.adapters import on_aiohttp, own_conformance, publish_only, streams
from docs_src.adapters.test_on_aiohttp import test_aiohttp  # noqa: F401 - collected here
from docs_src.adapters.test_on_blacksheep import test_blacksheep  # noqa: F401 - collected here
from docs_src.adapters.test_on_falcon import test_falcon  # noqa: F401 - collected here
from docs_src.adapters.test_on_fastapi import test_fastapi  # noqa: F401 - collected here
from docs_src.adapters.test_on_litestar import test_litestar  # noqa: F401 - collected here
from docs_src.adapters.test_on_quart import test_quart  # noqa: F401 - collected here
from docs_src.adapters.test_on_sanic import test_sanic  # noqa: F401 - collected here
from docs_src.adapters.test_on_starlette import test_starlette  # noqa: F401 - collected here
from tests.serving import serve

pytestmark = pytest.mark.memory


@pytest.fixture(autouse=True)
def nothing_taken() -> None:
    """What the handlers took in an earlier test is forgotten."""
    streams.taken.clear()


async def until_taken(*wanted: str) -> None:
    async def wait() -> None:
        while sorted(streams.taken) != sorted(wanted):
            await asyncio.sleep(0.01)

    try:
        await asyncio.wait_for(wait(), 5)
    except asyncio.TimeoutError:
        assert sorted(streams.taken) == sorted(wanted)


# The framework, the paths that are posted to, the websocket, and what the handlers take of it all.
ASGI = [
    ("litestar", ["/orders/a", "/audit/b"], "/socket", ["a", "audit b", "ws"]),
    ("quart", ["/orders/a", "/audit/b"], "/socket", ["a", "audit b", "ws"]),
    ("falcon", ["/orders/a"], "/orders/ws", ["a", "audit a", "ws"]),
    ("blacksheep", ["/orders/a", "/sub/b"], "/socket", ["a", "audit a", "b", "ws"]),
    ("fastapi", ["/orders/a", "/sub/b"], "/socket", ["a", "audit a", "b", "ws"]),
    (
        "starlette",
        ["/orders/a", "/sub/orders/b"],
        "/socket",
        ["a", "audit a", "audit b", "b", "ws"],
    ),
]


@pytest.mark.parametrize(
    ("framework", "paths", "socket", "taken"), ASGI, ids=[case[0] for case in ASGI]
)
async def test_asgi_frameworks(
    framework: str, paths: list[str], socket: str, taken: list[str]
) -> None:
    """The broker is there in handlers, sub-applications and websockets."""
    app = import_module(f"docs_src.adapters.on_{framework}").make_app()
    async with (
        serve(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):
        for path in paths:
            assert (await client.post(path)).status_code == 202
        assert (await client.get("/health")).status_code == 204
        async with websockets.connect(f"ws://{address}{socket}") as ws:
            await ws.send("ws")
            assert await ws.recv() == "published"
        await until_taken(*taken)


@asynccontextmanager
async def aiohttp_client(app: web.Application) -> AsyncIterator[Any]:
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_aiohttp_sub_application_and_websocket() -> None:
    """The same in aiohttp."""
    async with aiohttp_client(on_aiohttp.make_app()) as client:
        assert (await client.post("/orders/a")).status == 202
        assert (await client.post("/audit/b")).status == 202
        async with client.ws_connect("/socket") as ws:
            await ws.send_str("ws")
            assert await ws.receive_str() == "published"
        await until_taken("a", "audit b", "ws")


async def test_sanic_on_its_own_server() -> None:
    """The same in Sanic, on the server that it brings."""
    program = (
        "import sys; from docs_src.adapters import on_sanic, streams\n"
        "app = on_sanic.make_app()\n"
        "async def tell(*_): print(sorted(streams.taken), flush=True)\n"
        "app.after_server_stop(tell, priority=-2000)\n"
        "async def ready(*_): print('ready', flush=True)\n"
        "app.after_server_start(ready)\n"
        "app.run('127.0.0.1', int(sys.argv[1]), single_process=True, access_log=False)\n"
    )
    async with serve(_nothing) as address:  # a port that is free a moment later
        port = int(address.rpartition(":")[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(port), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        while b"ready" not in (line := await process.stdout.readline()):
            assert line, "the server ended"
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            for path in ("/orders/a", "/audit/b"):
                assert (await client.post(path)).status == 202
            async with client.ws_connect("/socket") as ws:
                await ws.send_str("ws")
                assert await ws.receive_str() == "published"
        await asyncio.sleep(0.5)  # Sanic ignores signals for a moment after its first requests
        process.terminate()
        rest = await asyncio.wait_for(process.stdout.read(), 20)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    assert b"['a', 'audit b', 'ws']" in rest


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    raise NotImplementedError


async def test_publish_only() -> None:
    """With consume=False the handler publishes and no subscriber runs here."""
    async with aiohttp_client(publish_only.app) as client:
        assert (await client.post("/orders", data="tea")).status == 202
        assert publish_only.broker.connected
        assert not publish_only.broker.running
    assert publish_only.handled == []


@pytest.mark.slow
def test_own_adapter_keeps_clauses() -> None:
    """The adapter of writing.md is judged by the suite; `make conformance` has the whole of it."""
    assert own_conformance.host.name == "tiny"
    module = "docs_src.adapters.own_conformance:host"
    command = [sys.executable, "-m", "anystream.conformance", module]
    for clauses in ("L", "B", "F", "M0", "E"):
        command += ["--clause", clauses]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_own_adapter_under_pytest() -> None:
    """The two lines that show each clause as a test."""
    module = "docs_src/adapters/test_own_conformance.py"
    command = [sys.executable, "-m", "pytest", module, "-q", "-k", "L09 or B01"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
