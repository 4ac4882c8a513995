"""One bridged HTTP request: the server's half as a protocol, the ASGI half as an exchange."""

from __future__ import annotations

from typing import Protocol

from anystream.asgi.bridge_exchange import (
    AsgiMessageError,
    ClientLeft,
    Exchange,
    RawHeaders,
    logger,
    unexpected,
)
from anystream.asgi.types import Message, Scope

_START = "http.response.start"
_BODY = "http.response.body"
_TRAILERS = "http.response.trailers"


class HttpPeer(Protocol):
    """What a framework implements to let an ASGI callable answer one of its requests.

    Each method raises `ConnectionError` when the client is gone. Either `respond` is called once,
    or `start`, any number of `write`, and `end`.
    """

    @property
    def has_body(self) -> bool:
        """Whether the request has a body to read."""
        ...

    async def read(self) -> bytes:
        """The next piece of the request's body as it comes in, b"" at its end."""
        ...

    async def wait_closed(self) -> None:
        """Return, or raise `ConnectionError`, once the client is gone."""
        ...

    def respond(self, status: int, headers: RawHeaders, body: bytes) -> None:
        """Keep a complete answer for the handler to return; b"" where there may be no body."""
        ...

    async def start(self, status: int, headers: RawHeaders) -> None:
        """Send the head of an answer whose body follows in pieces."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; returns when the connection takes more."""
        ...

    async def end(self) -> None:
        """The body is complete."""
        ...

    def abort(self) -> None:
        """Cut the connection, so that the client sees that the answer is not complete."""
        ...


class HttpExchange(Exchange):
    """Runs an ASGI callable against an `HttpPeer`."""

    def __init__(self, scope: Scope, peer: HttpPeer) -> None:
        super().__init__(scope)
        self._peer = peer
        self._request_read = False
        self._head: tuple[int, RawHeaders] | None = None
        self._streaming = False
        self._bodiless = scope["method"] == "HEAD"
        self._trailers = False

    async def receive(self) -> Message:
        """The next piece of the body; after its end, waits for the client to leave."""
        if self._request_read:
            await self._next(self._peer.wait_closed)
            self.leave()
        elif not self._peer.has_body:
            self._request_read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        else:
            piece = await self._next(self._peer.read)
            if piece is not None:
                self._request_read = not piece
                return {"type": "http.request", "body": piece, "more_body": bool(piece)}
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a part of the answer.

        Raises:
            ClientLeft: the client is gone (a `ConnectionError`).
            AsgiMessageError: the message is not allowed at this point.
        """
        if self.gone:
            raise ClientLeft("The client disconnected before the answer was complete.")
        kind = message["type"]
        if kind == _START and self._head is None:
            self._start(message)
        elif kind == _BODY and self._head is not None and not self.complete:
            try:
                await self._body(message.get("body", b""), message.get("more_body", False))
            except ConnectionError as error:
                self.leave()
                raise ClientLeft("The client disconnected during the answer.") from error
        elif kind != _TRAILERS or not self._trailers:
            raise unexpected(message, self._expected())

    def _expected(self) -> tuple[str, ...]:
        if self.complete:
            return ("nothing",)
        return (_START,) if self._head is None else (_BODY,)

    def _start(self, message: Message) -> None:
        status = message["status"]
        # How the body is framed is the server's to say.
        headers = [pair for pair in message.get("headers", ()) if pair[0] != b"transfer-encoding"]
        self._head = status, headers
        self._bodiless = self._bodiless or status in (204, 304)
        self._trailers = message.get("trailers", False)

    async def _body(self, data: bytes, more: bool) -> None:
        if self._bodiless:
            data = b""
        if not more and not self._streaming:
            self._peer.respond(*self._require_head(), data)
        elif not self._bodiless:
            await self._stream(data)
        if not more:
            if self._streaming:
                await self._peer.end()
            self.complete = True
            self._end()

    async def _stream(self, data: bytes) -> None:
        if not self._streaming:
            # The head waits for the first piece, as ASGI asks, so that a callable that fails
            # between the two still gets a 500.
            self._streaming = True
            await self._peer.start(*self._require_head())
        if data:
            await self._peer.write(data)

    def _require_head(self) -> tuple[int, RawHeaders]:
        if self._head is None:
            raise AsgiMessageError("An ASGI callable sent a body before its http.response.start.")
        return self._head

    async def finish(self, error: BaseException | None) -> None:
        """An unanswered request gets `error` (the framework's 500), a half answered one is cut."""
        if self.complete:
            return
        if error is None:
            what = "complete its answer" if self._streaming or self._head else "answer"
            error = AsgiMessageError(
                f"The ASGI callable at {self.scope['path']} returned but did not {what}: it must"
                " send http.response.start and an http.response.body without more_body."
            )
        if not self._streaming:
            self.error = error
            return
        self.gone = True
        if isinstance(error, Exception):
            logger.error(
                "ASGI callable at %s failed in the middle of its answer, the connection is cut",
                self.scope["path"],
                exc_info=error,
            )
        self._peer.abort()
