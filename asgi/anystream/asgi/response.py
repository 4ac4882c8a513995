"""What an HTTP handler returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_json

from anystream.asgi.types import Receive, Scope, Send
from anystream.core.exceptions import FastStreamException

CONTENT_LENGTH = b"content-length"

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class ResponseError(FastStreamException, TypeError):
    """A response cannot be made of what it was given."""


class AsgiResponse:
    """A response with a body that is known beforehand; an ASGI callable.

    Args:
        body: the bytes to send; for anything else see `JSONResponse`.
        status_code: the HTTP status.
        headers: a mapping, or pairs where a header is repeated; names are sent in lower case.
            `content-length` is added when there is a body.

    Raises:
        ResponseError: the body is not bytes, or a header is not a one-line string.
    """

    __slots__ = ("body", "raw_headers", "status_code")

    def __init__(
        self,
        body: bytes = b"",
        status_code: int = 200,
        headers: Headers | None = None,
    ) -> None:
        if not isinstance(body, bytes):
            raise ResponseError(
                f"the body of an AsgiResponse is bytes, not {type(body).__name__}: "
                "encode it, or return JSONResponse(data)"
            )
        self.body = body
        self.status_code = status_code
        self.raw_headers: list[tuple[bytes, bytes]]
        counted = body and (status_code == 200 or _may_have_body(status_code))
        if headers:
            self.raw_headers = _encode(headers)
            if counted and CONTENT_LENGTH not in dict(self.raw_headers):
                self.raw_headers.append((CONTENT_LENGTH, b"%d" % len(body)))
        else:
            self.raw_headers = [(CONTENT_LENGTH, b"%d" % len(body))] if counted else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.send_to(send, self.body)

    async def send_to(self, send: Send, body: bytes) -> None:
        """Sends status and headers, and a body that may be left out.

        Args:
            send: the ASGI channel.
            body: the response's own, or b"" for HEAD.
        """
        # a middleware may change a message in place, so none is ever sent twice
        headers = self.raw_headers.copy()
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def __repr__(self) -> str:
        return f"AsgiResponse({self.status_code}, {len(self.body)} bytes)"


def JSONResponse(data: Any, status_code: int = 200, headers: Headers | None = None) -> AsgiResponse:
    """A JSON response.

    Args:
        data: anything JSON can hold, also pydantic models, dataclasses and msgspec Structs;
            bytes are taken for JSON that is ready.
        status_code: the HTTP status.
        headers: more headers; a `content-type` among them replaces `application/json`.

    Raises:
        ResponseError: the data cannot be written as JSON.
    """
    body = data if isinstance(data, bytes) else _dump(data)
    pairs = _pairs(headers or ())
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("content-type", "application/json"))
    return AsgiResponse(body, status_code, pairs)


def _may_have_body(status_code: int) -> bool:
    return status_code >= 200 and status_code not in (204, 304)


def _dump(data: Any) -> bytes:
    try:
        return to_json(data, fallback=_plain)
    except ValueError as error:
        raise ResponseError(f"{type(data).__name__} cannot be written as JSON: {error}") from error


def _plain(value: Any) -> Any:
    if hasattr(value, "__struct_fields__"):
        import msgspec

        return msgspec.to_builtins(value)
    raise ValueError(f"there is no JSON form of {type(value).__name__}")


def _pairs(headers: Any) -> list[tuple[str, str]]:
    if isinstance(headers, Mapping):
        return list(headers.items())
    return list(headers)


def _encode(headers: Headers) -> list[tuple[bytes, bytes]]:
    encoded = []
    for name, value in _pairs(headers):
        try:
            raw = name.lower().encode("latin-1"), value.encode("latin-1")
        except (AttributeError, UnicodeEncodeError) as error:
            raise ResponseError(
                f"the response header {name!r}: {value!r} is not a pair of latin-1 strings"
            ) from error
        if any(mark in part for part in raw for mark in (b"\r", b"\n", b"\0")):
            raise ResponseError(f"the response header {name!r} has a line break in it: {value!r}")
        encoded.append(raw)
    return encoded
