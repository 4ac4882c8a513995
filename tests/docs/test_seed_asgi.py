"""The built-in ASGI application as people know it, on NATS."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from anystream.asgi import (
    AsgiFastStream,
    AsgiResponse,
    AsyncAPIRoute,
    Header,
    Query,
    Request,
    get,
    make_ping_asgi,
    post,
)
from anystream.core import Context, Depends, FastStream, Logger
from anystream.nats import NatsBroker
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


@get
async def liveness(scope):  # type: ignore[no-untyped-def]
    return AsgiResponse(b"", status_code=200)


@get(include_in_schema=False)
async def hidden(scope: Any) -> AsgiResponse:
    return AsgiResponse(b"", status_code=200)


@pytest.mark.nats
class TestAsgi:
    """The built-in ASGI application on NATS."""

    async def test_bare(self, broker: NatsBroker) -> None:
        """Nothing but a lifespan."""
        async with client_of(AsgiFastStream(broker)) as client:
            assert broker.running
            assert (await client.get("/")).status_code == 404

    async def test_routes(self, broker: NatsBroker) -> None:
        """A ping, an endpoint without annotations, one that is mounted later."""
        ping = make_ping_asgi(broker, timeout=5.0, include_in_schema=False)
        app = AsgiFastStream(broker, asgi_routes=[("/health", ping), ("/live", liveness)])
        app.mount("/hidden", hidden)
        async with client_of(app) as client:
            assert (await client.get("/health")).status_code == 204
            assert (await client.get("/live")).status_code == 200
            assert (await client.get("/hidden")).status_code == 200
        text = app.schema.to_specification().to_json()
        assert "/live" in text
        assert "/health" not in text
        assert "/hidden" not in text

    async def test_arguments(self, broker: NatsBroker) -> None:
        """Logger, context, request, query, headers, dependencies."""

        async def user(token: str = Header("x-token")) -> str:
            return token

        @get
        async def search(
            logger: Logger,
            request: Request,
            app: Any = Context(),
            q: list[str] = Query(),
            name: str = Depends(user),
        ) -> AsgiResponse:
            logger.log(20, "asked")
            return AsgiResponse(f"{request.method} {q} {name} {len(app.brokers)}".encode())

        @post
        async def create(request: Request) -> AsgiResponse:
            return AsgiResponse((await request.json())["a"].encode(), 201)

        app = AsgiFastStream(broker, asgi_routes=[("/search", search), ("/create", create)])
        async with client_of(app) as client:
            found = await client.get("/search?q=a&q=b", headers={"x-token": "t"})
            assert found.text == "GET ['a', 'b'] t 1"
            assert (await client.get("/search?q=a")).status_code == 422
            assert (await client.post("/create", json={"a": "b"})).text == "b"

    @pytest.mark.parametrize(
        "path",
        [
            "/docs/asyncapi",
            AsyncAPIRoute("/docs/asyncapi", try_it_out=False),
            AsyncAPIRoute("/docs/asyncapi", try_it_out_url="https://api.example.com/asyncapi/try"),
        ],
        ids=["path", "route", "route with url"],
    )
    @pytest.mark.parametrize("own", [False, True], ids=["default", "own specification"])
    async def test_document(self, broker: NatsBroker, path: Any, own: bool) -> None:
        """The document at its path, with a specification and without."""
        specification = AsyncAPI(title="Seed") if own else None
        app = AsgiFastStream(broker, specification=specification, asyncapi_path=path)
        async with client_of(app) as client:
            page = await client.get("/docs/asyncapi")
            found = (await client.get("/docs/asyncapi.json")).json()
            tried = await client.post("/docs/asyncapi/try", json={"channelName": "nowhere"})
        title = "Seed" if own else "FastStream"
        assert found["info"]["title"] == title
        assert f"<title>{title} AsyncAPI</title>" in page.text
        off = isinstance(path, AsyncAPIRoute) and path.options.get("try_it_out") is False
        elsewhere = isinstance(path, AsyncAPIRoute) and not off
        url = "null" if off else '"https://api.example.com/asyncapi/try"' if elsewhere else '""'
        assert f'"tryUrl": {url}' in page.text
        # the local endpoint stays unless it is switched off
        assert "nowhere destination not found." in tried.text or off

    async def test_reuse_of_an_application(self, broker: NatsBroker) -> None:
        """`as_asgi` keeps brokers, hooks and specification."""
        app = FastStream(broker, specification=AsyncAPI(title="Seed")).as_asgi(
            asgi_routes=[
                ("/liveness", liveness),
                ("/readiness", make_ping_asgi(broker, timeout=5.0)),
            ],
            asyncapi_path="/docs",
        )
        async with client_of(app) as client:
            assert (await client.get("/liveness")).status_code == 200
            assert (await client.get("/readiness")).status_code == 204
            assert (await client.get("/docs.json")).json()["info"]["title"] == "Seed"

    @pytest.mark.parametrize("kind", ["unix", "fd", "two ports"])
    async def test_bind(self, broker: NatsBroker, kind: str, tmp_path: Any) -> None:
        """Where it listens: a path, an open file, several addresses."""
        app = AsgiFastStream(broker, asgi_routes=[("/live", liveness)])
        first, bind = _addresses(kind, tmp_path)
        options = {"bind": bind, "log_config": None}
        task = asyncio.ensure_future(app.run(run_extra_options=options))
        transport = httpx.AsyncHTTPTransport(uds=first if kind == "unix" else None, retries=100)
        url = "http://localhost" if kind == "unix" else f"http://{first}"
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            while not app.started:
                await asyncio.sleep(0.01)
            assert (await client.get("/live")).status_code == 200
        app.exit()
        await asyncio.wait_for(task, 10)


def _addresses(kind: str, folder: Any) -> tuple[str, Any]:
    if kind == "unix":
        return f"{folder}/socket", f"unix:{folder}/socket"
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = ["{}:{}".format(*sock.getsockname()) for sock in opened]
    if kind == "fd":
        number = os.dup(opened[0].fileno())
        for sock in opened:
            sock.close()
        return addresses[0], f"fd://{number}"
    for sock in opened:
        sock.close()
    return addresses[0], addresses
