"""The framework-neutral half of the bridge, against peers that only write down what they get."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

import pytest

from anystream.asgi.bridge import (
    AsgiMessageError,
    Bridge,
    ClientLeft,
    Closed,
    RawHeaders,
    http_scope,
    websocket_scope,
)
from anystream.asgi.types import Message, Receive, Scope, Send

START = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"1"), (b"a", b"2")]}
DISCONNECT = {"type": "http.disconnect"}


def body(data: bytes = b"", more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


class Client:
    """A peer: what is put in `incoming` is the request's body, `got` is what came back."""

    def __init__(self, *, has_body: bool = False) -> None:
        self.has_body = has_body
        self.incoming: asyncio.Queue[bytes | ConnectionError] = asyncio.Queue()
        self.left = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.got: list[Any] = []

    async def read(self) -> bytes:
        piece = await self.incoming.get()
        if isinstance(piece, ConnectionError):
            raise piece
        return piece

    async def wait_closed(self) -> None:
        await self.left.wait()

    def respond(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self._check()
        self.got.append(("respond", status, headers, body))

    async def start(self, status: int, headers: RawHeaders) -> None:
        self._check()
        self.got.append(("start", status))

    async def write(self, data: bytes) -> None:
        await self.may_write.wait()
        self._check()
        self.got.append(data)

    async def end(self) -> None:
        self.got.append("end")

    def abort(self) -> None:
        self.got.append("abort")

    def leave(self) -> None:
        self.left.set()
        self.incoming.put_nowait(ConnectionResetError())

    def _check(self) -> None:
        if self.left.is_set():
            raise ConnectionResetError


class Socket:
    """A websocket peer; what is put in `incoming` comes from the client."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | bytes | Closed] = asyncio.Queue()
        self.got: list[Any] = []

    async def accept(self, subprotocol: str | None, headers: RawHeaders) -> None:
        self.got.append(("accept", subprotocol, headers))

    async def deny(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.got.append(("deny", status, body))

    async def receive(self) -> str | bytes | Closed:
        return await self.incoming.get()

    async def send(self, data: str | bytes) -> None:
        self.got.append(data)

    async def close(self, code: int, reason: str) -> None:
        self.got.append(("close", code, reason))


def http(method: str = "GET", raw_path: str = "/x", **more: Any) -> Scope:
    return http_scope(method=method, raw_path=raw_path, query="", headers=[], **more)


def handshake() -> Scope:
    return websocket_scope(
        method="GET", raw_path="/ws", query="", headers=[(b"Sec-WebSocket-Protocol", b"a, b")]
    )


async def one_go(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send(body(b"hello"))


def test_scope_of_a_request() -> None:
    """Path decoded, raw path and query as sent, header names in lower case, repeats kept."""
    scope = http_scope(
        method="get",
        raw_path="/a%20b/%C3%A9",
        query="q=%20",
        headers=[(b"X-One", b"1"), (b"x-one", b"2")],
        root_path="/a b",
        client=("10.0.0.1", 1234),
    )
    assert scope["type"] == "http"
    assert scope["method"] == "GET"
    assert scope["path"] == "/a b/é"
    assert scope["raw_path"] == b"/a%20b/%C3%A9"
    assert scope["query_string"] == b"q=%20"
    assert scope["headers"] == [(b"x-one", b"1"), (b"x-one", b"2")]
    assert scope["root_path"] == "/a b"
    assert scope["client"] == ("10.0.0.1", 1234)


def test_scope_of_a_websocket() -> None:
    """A websocket scope has subprotocols and a ws scheme, and no method."""
    scope = handshake()
    assert scope["type"] == "websocket"
    assert scope["scheme"] == "ws"
    assert scope["subprotocols"] == ["a", "b"]
    assert "method" not in scope
    secure = websocket_scope(method="GET", raw_path="/", query="", headers=[], scheme="https")
    assert secure["scheme"] == "wss"


@pytest.mark.parametrize("inline", [False, True])
async def test_an_answer_in_one_go(inline: bool) -> None:
    """A complete answer reaches the framework as one, with repeated headers."""
    client = Client()
    await Bridge().serve_http(one_go, http(), client, inline=inline)
    assert client.got == [("respond", 200, [(b"a", b"1"), (b"a", b"2")], b"hello")]


async def test_the_body_streams_in_while_the_answer_streams_out() -> None:
    """Each piece of the request can be answered before the next one is there."""
    client = Client(has_body=True)

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        while (message := await receive())["more_body"]:
            await send(body(message["body"].upper(), more=True))
        await send(body())

    serving = asyncio.create_task(Bridge().serve_http(echo, http("POST"), client))
    for piece in (b"one", b"two"):
        client.incoming.put_nowait(piece)
        await until(lambda piece=piece: client.got[-1:] == [piece.upper()])
    client.incoming.put_nowait(b"")
    await serving
    assert client.got == [("start", 200), b"ONE", b"TWO", "end"]


async def until(condition: Callable[[], bool]) -> None:
    async def turn() -> None:
        while not condition():
            await asyncio.sleep(0)

    await asyncio.wait_for(turn(), 2)


async def test_a_slow_client_holds_the_callable_back() -> None:
    """`send` returns only when the connection takes more."""
    client = Client()
    client.may_write.clear()
    sent: list[int] = []

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        for number in range(3):
            await send(body(b"x", more=True))
            sent.append(number)
        await send(body())

    serving = asyncio.create_task(Bridge().serve_http(stream, http(), client))
    await until(lambda: client.got == [("start", 200)])
    assert sent == []
    client.may_write.set()
    await serving
    assert sent == [0, 1, 2]


async def test_a_disconnect_is_a_message_and_send_raises() -> None:
    """After the client left, receive() says so and send() raises an OSError."""
    client = Client(has_body=True)
    client.incoming.put_nowait(b"half")
    seen: list[Any] = []

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((await receive())["body"])
        client.leave()
        seen.append(await receive())
        with pytest.raises(ClientLeft):
            await send(START)
        seen.append("done")

    bridge = Bridge()
    await bridge.serve_http(watch, http("POST"), client)
    await bridge.close()
    assert seen == [b"half", DISCONNECT, "done"]
    assert issubclass(ClientLeft, OSError)
    assert client.got == []


async def test_receive_blocks_after_the_body_until_the_client_leaves() -> None:
    """With the body read, receive() waits and then reports the disconnect, again and again."""
    client = Client()
    seen: list[Message] = []

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        seen.append(await receive())
        seen.append(await receive())

    serving = asyncio.create_task(Bridge().serve_http(watch, http(), client))
    await until(lambda: len(seen) == 1)
    client.leave()
    await serving
    assert seen == [{"type": "http.request", "body": b"", "more_body": False}, *[DISCONNECT] * 2]


async def test_receive_reports_a_disconnect_once_the_answer_is_complete() -> None:
    """A listener for the disconnect ends with the answer."""
    client = Client()
    ended = asyncio.Event()

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        await one_go(scope, receive, send)
        await receive()
        if await receive() == DISCONNECT:
            ended.set()

    await Bridge().serve_http(watch, http(), client)
    await asyncio.wait_for(ended.wait(), 2)


async def test_giving_up_a_receive_loses_nothing() -> None:
    """A timeout around receive() does not swallow the piece that comes later."""
    client = Client(has_body=True)
    seen: list[bytes] = []
    gave_up = asyncio.Event()

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(receive(), 0.01)
        gave_up.set()
        seen.append((await receive())["body"])
        await one_go(scope, receive, send)

    serving = asyncio.create_task(Bridge().serve_http(patient, http("POST"), client))
    await gave_up.wait()
    client.incoming.put_nowait(b"late")
    await serving
    assert seen == [b"late"]


async def test_an_error_before_the_answer_is_the_frameworks() -> None:
    """What the callable raises before its first byte comes out of serve_http unchanged."""
    error = RuntimeError("boom")

    async def early(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    async def between(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        raise error

    for app in (early, between):
        client = Client()
        with pytest.raises(RuntimeError) as caught:
            await Bridge().serve_http(app, http(), client)
        assert caught.value is error
        assert client.got == []


async def test_an_error_in_the_middle_cuts_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A half sent answer is aborted and the error is logged with its traceback."""
    client = Client()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(body(b"part", more=True))
        raise RuntimeError("boom")

    await Bridge().serve_http(late, http(), client)
    assert client.got == [("start", 200), b"part", "abort"]
    assert "/x failed in the middle" in caplog.text
    assert "RuntimeError: boom" in caplog.text


async def test_no_answer_at_all_is_an_error_that_says_so() -> None:
    """A callable that just returns is reported by path."""

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return

    with pytest.raises(AsgiMessageError, match="/x returned but did not answer"):
        await Bridge().serve_http(silent, http(), Client())


@pytest.mark.parametrize(
    "messages", [[body(b"x")], [START, START], [START, body(), body()], [{"type": "http.push"}]]
)
async def test_messages_in_the_wrong_order_are_refused(messages: list[Message]) -> None:
    """A message that ASGI does not allow at that point raises in the callable."""
    refused: list[str] = []

    async def wrong(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            for message in messages:
                await send(message)
        except AsgiMessageError as error:
            refused.append(str(error))
            raise

    bridge = Bridge()
    with contextlib.suppress(AsgiMessageError):
        await bridge.serve_http(wrong, http(), Client())
    await bridge.close()
    assert messages[-1]["type"] in refused[0]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_answers_that_have_no_body_get_none(method: str, status: int) -> None:
    """A body sent for HEAD, 204 or 304 is dropped, streamed or not."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "status": status})
        await send(body(b"a", more=True))
        await send(body(b"b"))

    client = Client()
    await Bridge().serve_http(app, http(method), client)
    assert client.got == [("respond", status, START["headers"], b"")]


async def test_trailers_are_taken() -> None:
    """A callable that announced trailers may send them."""
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "trailers": True})
        await send(body(b"x"))
        await send({"type": "http.response.trailers", "headers": [(b"t", b"1")]})
        ended.set()

    await Bridge().serve_http(app, http(), Client())
    await asyncio.wait_for(ended.wait(), 2)


async def test_a_cancelled_handler_does_not_cancel_the_callable() -> None:
    """The callable has a task of its own: it gets a disconnect and can finish its work."""
    bridge, client = Bridge(), Client()
    seen: list[Any] = []
    started = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        started.set()
        seen.append(await receive())
        await asyncio.sleep(0)
        seen.append("finished")

    handler = asyncio.create_task(bridge.serve_http(app, http(), client))
    await started.wait()
    handler.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handler
    await bridge.close()
    assert seen == [DISCONNECT, "finished"]


async def test_work_after_the_answer_does_not_hold_it_back_and_is_waited_for() -> None:
    """The answer is out at once; close() waits for the rest and reports its errors."""
    bridge, client = Bridge(), Client()
    gate = asyncio.Event()
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await one_go(scope, receive, send)
        await gate.wait()
        done.append("background")

    await asyncio.wait_for(bridge.serve_http(app, http(), client), 2)
    assert done == []
    gate.set()
    await bridge.close()
    assert done == ["background"]


async def test_close_cancels_what_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    """Work that outlives close()'s time is cancelled, and a warning names its path."""
    bridge = Bridge()
    cancelled = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await one_go(scope, receive, send)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    await bridge.serve_http(app, http(), Client())
    await bridge.close(0.01)
    assert cancelled.is_set()
    assert "/x did not end within" in caplog.text


async def test_an_error_after_the_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The client has its answer; the error is not lost."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await one_go(scope, receive, send)
        raise RuntimeError("afterwards")

    bridge = Bridge()
    await bridge.serve_http(app, http(), Client())
    await bridge.close()
    assert "RuntimeError: afterwards" in caplog.text


async def test_a_client_that_left_makes_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    """An error that follows from the disconnect is not logged as an error."""
    client = Client()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        client.leave()
        await send(body(b"x"))

    with caplog.at_level(logging.INFO):
        await Bridge().serve_http(app, http(), client)
    assert caplog.text == ""


async def test_websocket_echo_and_close_by_the_client() -> None:
    """connect, accept with a subprotocol, text and bytes both ways, the client's close code."""
    socket = Socket()
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        await send({"type": "websocket.accept", "subprotocol": "b", "headers": [(b"x", b"1")]})
        while (message := await receive())["type"] == "websocket.receive":
            await send(
                {"type": "websocket.send", **{k: message[k] for k in message if k != "type"}}
            )
        seen.append(message)
        with pytest.raises(ClientLeft):
            await send({"type": "websocket.send", "text": "late"})

    for item in ("hi", b"\x00", Closed(3001, "bye")):
        socket.incoming.put_nowait(item)
    await Bridge().serve_websocket(app, handshake(), socket)
    assert socket.got == [("accept", "b", [(b"x", b"1")]), "hi", b"\x00"]
    assert seen == [
        {"type": "websocket.connect"},
        {"type": "websocket.disconnect", "code": 3001, "reason": "bye"},
    ]


@pytest.mark.parametrize(
    ("messages", "denied"),
    [
        ([{"type": "websocket.close"}], ("deny", 403, b"")),
        (
            [
                {"type": "websocket.http.response.start", "status": 401, "headers": []},
                {"type": "websocket.http.response.body", "body": b"no ", "more_body": True},
                {"type": "websocket.http.response.body", "body": b"way"},
            ],
            ("deny", 401, b"no way"),
        ),
    ],
)
async def test_websocket_refused(messages: list[Message], denied: Any) -> None:
    """A close before the handshake is a 403, a denial answer is sent as it is."""
    socket = Socket()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    await Bridge().serve_websocket(app, handshake(), socket)
    assert socket.got == [denied]


async def test_websocket_ends_with_the_callable() -> None:
    """Returning closes with 1000, an error closes with 1011, before the handshake it is raised."""

    async def accept(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        await accept(scope, receive, send)
        raise RuntimeError("boom")

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("boom")

    for app, code in ((accept, 1000), (fail, 1011)):
        socket = Socket()
        await Bridge().serve_websocket(app, handshake(), socket)
        assert socket.got[-1] == ("close", code, "")
    with pytest.raises(RuntimeError, match="boom"):
        await Bridge().serve_websocket(refuse, handshake(), Socket())


async def test_close_websockets_tells_both_sides() -> None:
    """At shutdown the client gets 1001 and the callable a disconnect with that code."""
    bridge, socket = Bridge(), Socket()
    codes: list[int] = []
    accepted = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        accepted.set()
        codes.append((await receive())["code"])

    serving = asyncio.create_task(bridge.serve_websocket(app, handshake(), socket))
    await accepted.wait()
    await bridge.close_websockets()
    await serving
    await bridge.close()
    assert socket.got[-1] == ("close", 1001, "")
    assert codes == [1001]
