"""The Sanic half of the ASGI bridge: its two peers."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from sanic import HTTPResponse, Request
from sanic.compat import Header
from sanic.exceptions import RequestCancelled, SanicException

from anystream.asgi.bridge import Closed, RawHeaders

NO_TYPE = "application/octet-stream"

_CLOSE_SECONDS = 5.0
_LAST_MESSAGE_SECONDS = 0.05


def native_response(status: int, headers: RawHeaders, body: bytes = b"") -> HTTPResponse:
    decoded = Header(
        [
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
            for name, value in headers
        ]
    )
    return HTTPResponse(body, status, decoded, decoded.get("content-type", NO_TYPE))


class HttpPeer:
    """A Sanic request, as the bridge wants it; `response` is what its handler returns."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._stream = cast(Any, request.stream)
        self._transport = cast(Any, request.transport)
        self._sending: Any = None
        self.has_body = bool(self._stream.request_body)
        self.response: HTTPResponse | None = None

    async def read(self) -> bytes:
        while self._stream.request_body:
            piece: bytes | None = await self._stream.read()
            if piece:
                return piece
        return b""

    async def wait_closed(self) -> None:
        # Sanic cancels the handler of a client that leaves, which ends the exchange.
        await asyncio.get_running_loop().create_future()

    def respond(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.response = native_response(status, headers, body)

    async def start(self, status: int, headers: RawHeaders) -> None:
        self._sending = await self._request.respond(native_response(status, headers))
        await self.write(b"")

    async def write(self, data: bytes) -> None:
        await self._send(data, end_stream=False)

    async def end(self) -> None:
        await self._send(b"", end_stream=True)

    async def _send(self, data: bytes, end_stream: bool) -> None:
        try:
            await self._sending.send(data, end_stream=end_stream)
        except RequestCancelled as error:
            raise ConnectionResetError("The client disconnected.") from error

    def abort(self) -> None:
        self._transport.abort()


class WebSocketPeer:
    """A Sanic websocket, as the bridge wants it; `response` is what its handler returns."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._socket: Any = None
        self.response: HTTPResponse | None = None

    async def accept(self, subprotocol: str | None, headers: RawHeaders) -> None:
        protocol: Any = self._request.transport.get_protocol()
        offered = None if subprotocol is None else [subprotocol]
        self._socket = await protocol.websocket_handshake(self._request, offered)

    async def deny(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.response = native_response(status, headers, body)

    async def receive(self) -> str | bytes | Closed:
        # Sanic's own recv() loses a message that a close follows closely.
        message = asyncio.ensure_future(self._socket.assembler.get())
        lost = self._socket.connection_lost_waiter
        await asyncio.wait((message, lost), return_when=asyncio.FIRST_COMPLETED)
        if not message.done():
            await asyncio.wait((message,), timeout=_LAST_MESSAGE_SECONDS)
        if message.done():
            data: str | bytes = message.result()
            return data
        message.cancel()
        state = self._socket.ws_proto
        return Closed(state.close_code or 1006, state.close_reason or "")

    async def send(self, data: str | bytes) -> None:
        try:
            await self._socket.send(data)
        except SanicException as error:
            raise ConnectionResetError("The client closed the websocket.") from error

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code, reason)
        await self._socket.wait_for_connection_lost(_CLOSE_SECONDS)
