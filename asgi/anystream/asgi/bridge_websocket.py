"""One bridged websocket: the server's half as a protocol, the ASGI half as an exchange."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

from anystream.asgi.bridge_exchange import (
    AsgiMessageError,
    ClientLeft,
    Exchange,
    RawHeaders,
    logger,
    unexpected,
)
from anystream.asgi.types import Message, Scope

ABNORMAL = 1006
INTERNAL_ERROR = 1011
GOING_AWAY = 1001


class Closed(NamedTuple):
    """What `WebSocketPeer.receive` returns at the end of the connection."""

    code: int
    reason: str = ""


class WebSocketPeer(Protocol):
    """What a framework implements to let an ASGI callable serve one of its websockets.

    Each method raises `ConnectionError` when the client is gone.
    """

    async def accept(self, subprotocol: str | None, headers: RawHeaders) -> None:
        """Complete the handshake."""
        ...

    async def deny(self, status: int, headers: RawHeaders, body: bytes) -> None:
        """Refuse the handshake with this HTTP answer."""
        ...

    async def receive(self) -> str | bytes | Closed:
        """The next message of the client, or `Closed`."""
        ...

    async def send(self, data: str | bytes) -> None:
        """Send one message; returns when the connection takes more."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close the connection from this side."""
        ...


class WebSocketExchange(Exchange):
    """Runs an ASGI callable against a `WebSocketPeer`."""

    def __init__(self, scope: Scope, peer: WebSocketPeer) -> None:
        super().__init__(scope)
        self._peer = peer
        self._connect_told = False
        self._handshaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._denial: tuple[int, RawHeaders, list[bytes]] | None = None
        self._closed = Closed(ABNORMAL)

    async def receive(self) -> Message:
        """`websocket.connect`, then the client's messages, then `websocket.disconnect`."""
        if not self._connect_told:
            self._connect_told = True
            return {"type": "websocket.connect"}
        await asyncio.wait((self._handshaken, self.over), return_when=asyncio.FIRST_COMPLETED)
        received: str | bytes | Closed | None = None
        if self._accepted:
            received = await self._next(self._peer.receive)
        if isinstance(received, str):
            return {"type": "websocket.receive", "text": received}
        if isinstance(received, bytes):
            return {"type": "websocket.receive", "bytes": received}
        if isinstance(received, Closed) and not self.complete:
            self._closed = received
        self.leave()
        return {
            "type": "websocket.disconnect",
            "code": self._closed.code,
            "reason": self._closed.reason,
        }

    @property
    def _accepted(self) -> bool:
        return self._handshaken.done()

    async def send(self, message: Message) -> None:
        """Accept, refuse, send or close.

        Raises:
            ClientLeft: the client is gone (a `ConnectionError`).
            AsgiMessageError: the message is not allowed at this point.
        """
        if self.gone:
            raise ClientLeft("The client closed the websocket.")
        if self.complete:
            raise unexpected(message, ("nothing",))
        try:
            if self._accepted:
                await self._send_open(message)
            else:
                await self._send_handshake(message)
        except ConnectionError as error:
            self.abandon()
            raise ClientLeft("The client closed the websocket.") from error

    async def _send_handshake(self, message: Message) -> None:
        kind = message["type"]
        if self._denial is not None:
            await self._send_denial_body(message)
        elif kind == "websocket.accept":
            await self._peer.accept(message.get("subprotocol"), list(message.get("headers", ())))
            self._handshaken.set_result(None)
        elif kind == "websocket.close":
            await self._deny(403, [], b"")
        elif kind == "websocket.http.response.start":
            self._denial = message["status"], list(message.get("headers", ())), []
        else:
            raise unexpected(message, ("websocket.accept", "websocket.close"))

    async def _send_denial_body(self, message: Message) -> None:
        if message["type"] != "websocket.http.response.body" or self._denial is None:
            raise unexpected(message, ("websocket.http.response.body",))
        status, headers, pieces = self._denial
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            await self._deny(status, headers, b"".join(pieces))

    async def _deny(self, status: int, headers: RawHeaders, body: bytes) -> None:
        await self._peer.deny(status, headers, body)
        self.complete = True
        self._end()

    async def _send_open(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.close":
            await self.close(message.get("code", 1000), message.get("reason") or "")
        elif kind == "websocket.send":
            data = message.get("bytes")
            await self._peer.send(message["text"] if data is None else data)
        else:
            raise unexpected(message, ("websocket.send", "websocket.close"))

    async def close(self, code: int, reason: str = "") -> None:
        """Close from this side; without effect on what is closed, refused or not yet accepted."""
        if not self._accepted or self.complete or self.gone:
            return
        self.complete = True
        self._closed = Closed(code, reason)
        try:
            await self._peer.close(code, reason)
        finally:
            self._end()

    def abandon(self) -> None:
        """After the handshake the peer has the last messages and the reason, so it is asked on."""
        if not self._accepted:
            self.leave()

    async def finish(self, error: BaseException | None) -> None:
        """A handshake nobody answered gets `error` (the framework's 500), an open one a close."""
        if self.complete:
            return
        if self._accepted:
            await self._close_for(error)
        else:
            self.error = error or AsgiMessageError(
                f"The ASGI callable at {self.scope['path']} returned without an answer to the"
                " websocket handshake: it must send websocket.accept or websocket.close."
            )

    async def _close_for(self, error: BaseException | None) -> None:
        if error is None:
            await self.close(1000)
            return
        if isinstance(error, Exception):
            logger.error(
                "ASGI callable at %s failed, its websocket is closed with %d",
                self.scope["path"],
                INTERNAL_ERROR,
                exc_info=error,
            )
        await self.close(INTERNAL_ERROR)
