"""Any ASGI callable in aiohttp and Sanic, over real sockets: scope, streams, websockets."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.adapters.serving import child, free_port, wait_until_answering

HOSTS = ["aiohttp", "sanic", "sanic-asgi"]


class Server:
    """The probe in a child process, at `http://127.0.0.1:port/mnt`."""

    def __init__(self, host: str, port: int, log: Path) -> None:
        self.host, self.port, self.log = host, port, log
        self.url = f"http://127.0.0.1:{port}"
        self.own_bridge = host != "sanic-asgi"

    async def connect(self, head: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write((head.strip().replace("\n", "\r\n") + "\r\nHost: x\r\n\r\n").encode())
        await writer.drain()
        return reader, writer


@pytest.fixture(scope="module", params=HOSTS)
def server(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Server]:
    """One child process per host for the whole module."""
    port, log = free_port(), tmp_path_factory.mktemp(request.param) / "log"
    with child("tests.adapters.mounted_probe", request.param, str(port), log=log) as process:
        try:
            wait_until_answering(process, port)
        except Exception as error:
            raise RuntimeError(log.read_text()) from error
        yield Server(request.param, port, log)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the probe, which has forgotten the test before."""
    async with aiohttp.ClientSession(server.url) as session:
        await session.get("/mnt/reset")
        yield session


async def state(client: aiohttp.ClientSession) -> Any:
    async with client.get("/mnt/state") as response:
        return json.loads(await response.read())


async def until(client: aiohttp.ClientSession, holds: Callable[[Any], bool]) -> Any:
    async def poll() -> Any:
        while not holds(now := await state(client)):
            await asyncio.sleep(0.02)
        return now

    return await asyncio.wait_for(poll(), 5)


async def soon(waiting: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(waiting, 5)


@pytest.mark.parametrize("path", ["", "/", "/a%20b/%C3%A9"])
async def test_scope(client: aiohttp.ClientSession, server: Server, path: str) -> None:
    """Path, raw path, root_path, query, repeated headers, client and scheme as ASGI has them."""
    reader, writer = await server.connect(
        f"GET /mnt{path}?q=%20&q=2 HTTP/1.1\nX-Dup: 1\nx-dup: 2\nConnection: close"
    )
    scope = json.loads(
        (await soon(reader.read())).partition(b"\r\n\r\n")[2].strip(b"0123456789abcdef\r\n")
    )
    assert scope["path"] == {"/a%20b/%C3%A9": "/mnt/a b/é"}.get(path, "/mnt" + path)
    assert scope["raw_path"] == "/mnt" + path
    assert scope["root_path"] == "/mnt"
    assert scope["query_string"] == "q=%20&q=2"
    assert [value for name, value in scope["headers"] if name == "x-dup"] == ["1", "2"]
    assert scope["client"] == list(writer.get_extra_info("sockname"))
    assert scope["server"] == ["127.0.0.1", server.port]
    assert (scope["scheme"], scope["method"], scope["http_version"]) == ("http", "GET", "1.1")
    writer.close()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/mntfoo", "catch-all"),
        ("/exact", "exact /exact "),
        ("/exact/", "exact /exact/ "),
        ("/exact/x", "catch-all"),
        ("/mnt/exact", "exact /mnt/exact "),
        ("/other", "catch-all"),
    ],
)
async def test_which_path_is_whose(client: aiohttp.ClientSession, path: str, answer: str) -> None:
    """A mount ends at a "/", an exact route is exact, the user's catch-all gets the rest."""
    async with client.get(path) as response:
        assert (response.status, await response.text()) == (200, answer)


async def test_the_longest_mount_wins(client: aiohttp.ClientSession) -> None:
    """A mount inside a mount has its own root_path; below an exact path the outer mount answers."""
    for path, root in (("/mnt/deeper/x", "/mnt/deeper"), ("/mnt/exact/x", "/mnt")):
        async with client.get(path) as response:
            assert json.loads(await response.read())["root_path"] == root


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_arrives(client: aiohttp.ClientSession, method: str) -> None:
    """The mount decides what to do with a method."""
    async with client.request(method, "/mnt/any") as response:
        assert json.loads(await response.read())["method"] == method


async def test_headers_of_the_answer(client: aiohttp.ClientSession) -> None:
    """Repeated headers stay repeated, values keep their bytes, the content type is the app's."""
    async with client.get("/mnt/twice") as response:
        assert response.headers.getall("set-cookie") == ["a=1", "b=2"]
        assert response.headers["x-name"] == "é"
        assert response.headers.getall("content-type") == ["text/x-own"]


async def test_head_and_answers_without_a_body(
    client: aiohttp.ClientSession, server: Server
) -> None:
    """HEAD and 204 have the headers and no body, and the connection stays usable."""
    reader, writer = await server.connect("HEAD /mnt/sized HTTP/1.1")
    head = await soon(reader.readuntil(b"\r\n\r\n"))
    assert b"content-length: 5" in head.lower()
    assert b"x-own: 1" in head.lower()
    writer.write(b"GET /mnt/no_content HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await soon(reader.readuntil(b"\r\n\r\n"))
    assert b" 204 " in head.splitlines()[0]
    writer.write(b"GET /mnt/sized HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await soon(reader.read())).endswith(b"hello")
    writer.close()


async def test_the_body_streams_in_while_the_answer_streams_out(
    client: aiohttp.ClientSession, server: Server
) -> None:
    """The first piece comes back before the second one is sent."""
    reader, writer = await server.connect("POST /mnt/echo HTTP/1.1\nTransfer-Encoding: chunked")
    await asyncio.sleep(0)
    for piece in (b"one", b"two"):
        writer.write(b"3\r\n" + piece + b"\r\n")
        await soon(reader.readuntil(piece.upper()))
    writer.write(b"0\r\n\r\n")
    await soon(reader.readuntil(b"0\r\n\r\n"))
    writer.close()


async def test_a_large_upload_is_not_limited(client: aiohttp.ClientSession) -> None:
    """A mount streams more than the framework would take as one body."""
    data = b"a" * (3 * 1024 * 1024)
    async with client.post("/mnt/echo", data=io.BytesIO(data)) as response:
        assert await response.read() == data.upper()


async def test_back_pressure(client: aiohttp.ClientSession, server: Server) -> None:
    """A client that does not read holds the callable back at a few buffers' worth."""
    reader, writer = await server.connect("GET /mnt/flood HTTP/1.1")
    await soon(reader.readuntil(b"\r\n\r\n"))
    before = -1
    while (flooded := (await state(client))["flooded"]) != before:
        before = flooded
        await asyncio.sleep(0.2)
    assert 0 < flooded < 500
    writer.transport.abort()


async def test_the_head_is_sent_before_the_body_is_there(
    client: aiohttp.ClientSession, server: Server
) -> None:
    """A silent stream shows its headers at once, and ends when its client leaves."""
    reader, writer = await server.connect("GET /mnt/head_only HTTP/1.1")
    assert b" 200 " in await soon(reader.readuntil(b"\r\n\r\n"))
    writer.close()
    await until(client, lambda now: now["events"][-1:] in (["http.disconnect"], ["sent"]))


@pytest.mark.parametrize("announced", [0, 10])
async def test_a_disconnect_is_a_message(
    client: aiohttp.ClientSession, server: Server, announced: int
) -> None:
    """A client that leaves, in the middle of its upload or after it, is told as http.disconnect."""
    method = "POST" if announced else "GET"
    _, writer = await server.connect(f"{method} /mnt/wait HTTP/1.1\nContent-Length: {announced}")
    if announced:
        writer.write(b"half")
    await until(client, lambda now: now["events"] == ["waiting", 4 if announced else 0])
    writer.close()
    now = await until(client, lambda now: len(now["events"]) == 3)
    if server.own_bridge:  # what send() then does under uvicorn is uvicorn's
        assert now["events"][-1] == "http.disconnect"


async def test_errors_before_the_answer(client: aiohttp.ClientSession, server: Server) -> None:
    """An error, or no answer at all, is the framework's 500, with the traceback in the log."""
    for path in ("/mnt/fail_early", "/mnt/silent"):
        async with client.get(path) as response:
            assert response.status == 500
    assert "RuntimeError: early" in server.log.read_text()


@pytest.mark.parametrize("path", ["/mnt/fail_late", "/mnt/fail_late_sized"])
async def test_an_error_in_the_middle_cuts_the_connection(
    client: aiohttp.ClientSession, server: Server, path: str
) -> None:
    """The client does not take a broken answer for a complete one."""
    async with client.get(path) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert "RuntimeError: late" in server.log.read_text()


async def test_work_after_the_answer(client: aiohttp.ClientSession) -> None:
    """The answer does not wait for what the callable does afterwards."""
    async with client.get("/mnt/background") as response:
        assert await soon(response.read()) == b"done"
    async with client.get("/mnt/release"):
        pass
    await until(client, lambda now: now["events"] == ["release", "background"])


async def test_twenty_requests_at_once(client: aiohttp.ClientSession) -> None:
    """Twenty requests that wait for each other are all answered."""

    async def get() -> bytes:
        async with client.get("/mnt/together") as response:
            return await response.read()

    assert await soon(asyncio.gather(*(get() for _ in range(20)))) == [b"ok"] * 20


async def test_prometheus(client: aiohttp.ClientSession) -> None:
    """`prometheus_client.make_asgi_app()` works mounted, with and without a trailing slash."""
    for path in ("/metrics", "/metrics/"):
        async with client.get(path) as response:
            assert response.status == 200
            families = text_string_to_metric_families(await response.text())
            assert "python_info" in {family.name for family in families}


async def test_websocket_echo(client: aiohttp.ClientSession) -> None:
    """Text and bytes go both ways; subprotocol and the client's close code arrive."""
    async with client.ws_connect("/mnt/ws", protocols=["one", "two"]) as socket:
        assert socket.protocol == "two"
        await socket.send_str("héllo")
        assert await socket.receive_str() == "héllo"
        await socket.send_bytes(b"\x00\xff" * 50000)
        assert await socket.receive_bytes() == b"\x00\xff" * 50000
        await socket.close(code=3001, message=b"bye")
    now = await until(client, lambda now: len(now["events"]) == 3)
    assert now["events"][-1] == ["websocket.disconnect", 3001, "bye"]


async def test_websocket_closed_by_the_callable(client: aiohttp.ClientSession) -> None:
    """Its close code and reason reach the client; the scope is the mount's."""
    async with client.ws_connect("/mnt/greet") as socket:
        assert await socket.receive_str() == "/mnt/mnt/greet"
        closing = await socket.receive()
        assert (closing.data, closing.extra) == (3005, "enough")


@pytest.mark.parametrize(("path", "code"), [("leave", 1000), ("fail", 1011)])
async def test_websocket_ends_with_the_callable(
    client: aiohttp.ClientSession, server: Server, path: str, code: int
) -> None:
    """Returning closes with 1000, failing with 1011."""
    async with client.ws_connect(f"/mnt/{path}") as socket:
        await soon(socket.receive())
        if server.own_bridge:
            assert socket.close_code == code


@pytest.mark.parametrize(("path", "status"), [("refuse", 403), ("deny", 401), ("broken", 500)])
async def test_websocket_refused(client: aiohttp.ClientSession, path: str, status: int) -> None:
    """Refused handshakes are HTTP answers: 403, the callable's own, or 500 after an error."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(f"/mnt/{path}")
    assert refused.value.status == status


async def test_websocket_messages_before_a_close_are_not_lost(
    client: aiohttp.ClientSession,
) -> None:
    """What the client sent before its close is delivered, then the disconnect."""
    async with client.ws_connect("/mnt/ws") as socket:
        for text in ("slow", "a", "b"):
            await socket.send_str(text)
        await socket.close(code=1000)
    now = await until(client, lambda now: now["events"] and isinstance(now["events"][-1], list))
    assert [event for event in now["events"][:-1] if event != "unsent"] == ["slow", "a", "b"]


async def test_websocket_lost_without_a_close(
    client: aiohttp.ClientSession, server: Server
) -> None:
    """A connection that is cut is a disconnect with 1006."""
    async with client.ws_connect("/mnt/ws") as socket:
        await socket.send_str("x")
        await socket.receive()
        socket._response.connection.transport.abort()
        now = await until(client, lambda now: len(now["events"]) == 2)
    kind, code, _ = now["events"][-1]
    assert kind == "websocket.disconnect"
    assert code in (1005, 1006)


async def test_no_websocket_at_an_exact_path(client: aiohttp.ClientSession) -> None:
    """An endpoint that speaks HTTP refuses a handshake."""
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.ws_connect("/exact")
