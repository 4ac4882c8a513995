"""The aiohttp half of the ASGI bridge: its two peers."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web
from multidict import CIMultiDict

from anystream.asgi.bridge import Closed, RawHeaders

_WATCH_SECONDS = 0.1
_MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_NO_STATUS = 1005
_ABNORMAL = 1006


def multidict(headers: RawHeaders) -> CIMultiDict[str]:
    return CIMultiDict(text_pairs(headers))


def text_pairs(headers: RawHeaders) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), _text(value))
        for name, value in headers
        if name != b"transfer-encoding"  # how a body is framed is aiohttp's to say
    ]


def _text(value: bytes) -> str:
    # aiohttp sends header values as UTF-8.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


class HttpPeer:
    """An aiohttp request, as the bridge wants it; `response` is what its handler returns."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.has_body = request.can_read_body
        self.response: web.StreamResponse | None = None

    async def read(self) -> bytes:
        return await self._request.content.readany()

    async def wait_closed(self) -> None:
        # aiohttp has no callback for a client that leaves.
        while (transport := self._request.transport) and not transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(_WATCH_SECONDS)

    def respond(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.response = web.Response(status=status, headers=multidict(headers), body=body)

    async def start(self, status: int, headers: RawHeaders) -> None:
        self.response = web.StreamResponse(status=status, headers=multidict(headers))
        await self.response.prepare(self._request)
        await self.response.write(b"")  # sends the head, which aiohttp holds back

    async def write(self, data: bytes) -> None:
        if self.response is not None:
            await self.response.write(data)

    async def end(self) -> None:
        if self.response is not None:
            await self.response.write_eof()

    def abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


class WebSocketPeer:
    """An aiohttp websocket, as the bridge wants it; `response` is what its handler returns."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._socket = web.WebSocketResponse()
        self.response: web.StreamResponse | None = None

    async def accept(self, subprotocol: str | None, headers: RawHeaders) -> None:
        protocols = () if subprotocol is None else (subprotocol,)
        self._socket = web.WebSocketResponse(protocols=protocols, max_msg_size=_MAX_MESSAGE_BYTES)
        self._socket.headers.extend(multidict(headers))
        await self._socket.prepare(self._request)
        self.response = self._socket

    async def deny(self, status: int, headers: RawHeaders, body: bytes) -> None:
        self.response = web.Response(status=status, headers=multidict(headers), body=body)

    async def receive(self) -> str | bytes | Closed:
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
            data: str | bytes = message.data
            return data
        if message.type is WSMsgType.CLOSE:
            return Closed(message.data or _NO_STATUS, message.extra or "")
        return Closed(_ABNORMAL)

    async def send(self, data: str | bytes) -> None:
        if isinstance(data, str):
            await self._socket.send_str(data)
        else:
            await self._socket.send_bytes(data)

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code=code, message=reason.encode())
