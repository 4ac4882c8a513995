"""Endpoints in aiohttp and on Sanic's own server, which answer without a round of ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.adapters.serving import child, free_port, wait_until_answering


class Server:
    """The probe in a child process."""

    def __init__(self, host: str, port: int, log: Path) -> None:
        self.host, self.log = host, log
        self.url = f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module", params=["aiohttp", "sanic"])
def server(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Server]:
    """One child process per host for the whole module."""
    port, log = free_port(), tmp_path_factory.mktemp(request.param) / "log"
    with child("tests.adapters.endpoint_probe", request.param, str(port), log=log) as process:
        try:
            wait_until_answering(process, port)
        except Exception as error:
            raise RuntimeError(log.read_text()) from error
        yield Server(request.param, port, log)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the probe."""
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.mark.parametrize("path", ["/sub/nothing", "/sub/nothing/"])
async def test_body_and_headers(client: aiohttp.ClientSession, path: str) -> None:
    """The body, its length and repeated headers arrive, with and without a trailing slash."""
    for _ in range(2):
        async with client.get(path) as response:
            assert response.status == 200
            assert await response.read() == b"hello"
            assert response.headers.getall("content-length") == ["5"]
            assert response.headers.getall("x-a") == ["1", "2"]


async def test_ping(client: aiohttp.ClientSession) -> None:
    """The ping is 204 and has no length, for HEAD too."""
    for method in ("GET", "HEAD"):
        async with client.request(method, "/sub/ping") as response:
            assert response.status == 204
            assert "content-length" not in response.headers


async def test_head_has_the_length_and_no_body(client: aiohttp.ClientSession) -> None:
    """HEAD tells how long the body would be, and the connection goes on."""
    async with client.head("/sub/nothing") as response:
        assert response.status == 200
        assert response.headers["content-length"] == "5"
    async with client.get("/sub/nothing") as response:
        assert await response.read() == b"hello"


async def test_other_methods_are_refused(client: aiohttp.ClientSession) -> None:
    """405 names the methods that are allowed, those of all endpoints at a path."""
    async with client.post("/sub/scope") as response:
        assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")
    async with client.put("/sub/nothing") as response:
        assert response.status == 405
        assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    async with client.post("/sub/nothing") as response:
        assert (response.status, await response.read()) == (201, b"posted")


async def test_scope(server: Server, client: aiohttp.ClientSession) -> None:
    """A handler that takes the scope gets the whole of it."""
    root = "/sub" if server.host == "aiohttp" else ""
    async with client.get("/sub/scope?a=1%20b") as response:
        assert await response.json() == ["/sub/scope", "a=1%20b", root]
        assert response.headers.getall("content-type") == ["application/json"]


async def test_injected_argument(client: aiohttp.ClientSession) -> None:
    """A handler that takes arguments of the request gets them, or the client a 422."""
    async with client.get("/sub/injected", headers={"X-Name": "Ann"}) as response:
        assert await response.text() == "Ann"
    async with client.get("/sub/injected") as response:
        assert response.status == 422


async def test_any_asgi_callable_as_response(client: aiohttp.ClientSession) -> None:
    """A handler may return a callable that streams; it sees the whole scope."""
    async with client.get("/sub/streamed") as response:
        assert await response.text() == "one two /sub/streamed"


async def test_error_is_logged(server: Server, client: aiohttp.ClientSession) -> None:
    """A handler that fails is a 500 and a line in the log that says where."""
    async with client.get("/sub/broken") as response:
        assert response.status == 500
        assert await response.text() == "Internal Server Error"
    assert "broken on purpose" in server.log.read_text()


async def test_no_websocket(client: aiohttp.ClientSession) -> None:
    """An endpoint is no websocket."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/sub/ping")
    assert refused.value.status == 404
