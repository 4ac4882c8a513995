"""The envelope around a body: how headers travel through Redis, which has none."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from anystream.core.codec import encode_message
from anystream.core.exceptions import PublishError

__all__ = ("BinaryMessageFormatV1", "MessageFormat", "read_json", "read_message")

MAGIC = b"\x89BIN\r\n\x1a\n"
_START = MAGIC + b"\x00\x01" + b"\x00\x00\x00\x12"  # version 1, headers at 18
_FIRST_PAIR = 20
_LONGEST = 0xFFFF

Read = tuple[bytes, dict[str, Any]]


@dataclass
class Parts:
    """A body on its way out.

    Args:
        data: the encoded body.
        headers: what travels with it.
    """

    data: bytes
    headers: dict[str, Any] = field(default_factory=dict)


class MessageFormat(ABC):
    """How a body and its headers become one payload, and the way back.

    A format of one's own overrides `encode` and `parse`; `build` does what all formats need.
    """

    @classmethod
    @abstractmethod
    async def encode(
        cls,
        *,
        message: Any,
        reply_to: str,
        headers: dict[str, Any] | None,
        correlation_id: str,
        serializer: Any = None,
        codec: Any = None,
    ) -> bytes:
        """Makes the payload.

        Args:
            message: the body, not encoded yet.
            reply_to: the channel for answers, empty for none.
            headers: the sender's headers.
            correlation_id: id of the conversation.
            serializer, codec: the broker's.
        """

    @classmethod
    @abstractmethod
    def parse(cls, data: bytes) -> Read:
        """Takes a payload apart: the encoded body, and the headers."""

    @classmethod
    async def build(
        cls,
        *,
        message: Any,
        reply_to: str,
        headers: dict[str, Any] | None,
        correlation_id: str,
        serializer: Any = None,
        codec: Any = None,
    ) -> Parts:
        """Encodes a body and puts its headers together, in the usual order."""
        if codec is not None:
            data, content_type = await codec.encode(message, serializer)
        else:
            data, content_type = encode_message(message, serializer)
        known: dict[str, Any] = {"correlation_id": correlation_id}
        if content_type:
            known["content-type"] = content_type
        return Parts(data, with_reply({**known, **(headers or {})}, reply_to))


class BinaryMessageFormatV1(MessageFormat):
    """The default: a binary envelope, which FastStream 0.6 and later read and write, too.

    Read as well: JSON objects with `data` (and `headers`), as older versions wrote them, and
    anything else as a bare body.
    """

    @classmethod
    async def encode(
        cls,
        *,
        message: Any,
        reply_to: str,
        headers: dict[str, Any] | None,
        correlation_id: str,
        serializer: Any = None,
        codec: Any = None,
    ) -> bytes:
        parts = await cls.build(
            message=message,
            reply_to=reply_to,
            headers=headers,
            correlation_id=correlation_id,
            serializer=serializer,
            codec=codec,
        )
        return pack(parts.data, parts.headers)

    @classmethod
    def parse(cls, data: bytes) -> Read:
        return read_message(data)


def with_reply(headers: dict[str, Any], reply_to: str) -> dict[str, Any]:
    """Headers with the address for answers behind those that come first; given ones win."""
    if not reply_to:
        return headers
    before = ("correlation_id", "content-type")
    first: dict[str, Any] = {name: headers[name] for name in before if name in headers}
    return {**first, "reply_to": reply_to, **headers}


def pack(data: bytes, headers: dict[str, Any]) -> bytes:
    """Makes an envelope.

    Raises:
        PublishError: a header is neither str nor bytes, or longer than 65,535 bytes.
    """
    pairs = []
    names = _names
    try:
        for name, value in headers.items():
            text = value if type(value) is bytes else value.encode()
            pairs.append(names.get(name) or _prefixed(name))
            pairs.append(len(text).to_bytes(2, "big"))
            pairs.append(text)
        count = len(headers).to_bytes(2, "big")
    except (AttributeError, OverflowError, UnicodeEncodeError):
        raise PublishError(_wrong_header(headers)) from None
    block = b"".join(pairs)
    return b"".join((_START, (_FIRST_PAIR + len(block)).to_bytes(4, "big"), count, block, data))


_names: dict[str, bytes] = {}
_MOST_NAMES = 1024


def _prefixed(name: str) -> bytes:
    """The name of a header with its length; the same ones come again and again."""
    key = name.encode()
    found = len(key).to_bytes(2, "big") + key
    if len(_names) < _MOST_NAMES:
        _names[name] = found
    return found


def _wrong_header(headers: dict[str, Any]) -> str:
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, (str, bytes)):
            return f"the header {name!r} is {value!r}: headers must be str or bytes"
        for text in (name, value):
            try:
                size = len(text if isinstance(text, bytes) else text.encode())
            except UnicodeEncodeError:
                return f"the header {name!r} cannot be written as UTF-8"
            if size > _LONGEST:
                return f"the header {name[:40]!r} has {size} bytes: {_LONGEST} is the most"
    return f"{len(headers)} headers are too many: {_LONGEST} is the most"


def read_message(data: bytes) -> Read:
    """Takes an envelope apart; without one, tries JSON, and else it is a bare body."""
    if data[:14] != _START:
        return read_json(data)
    number = int.from_bytes
    body = number(data[14:18], "big")
    headers: dict[str, Any] = {}
    position = _FIRST_PAIR
    try:
        for _ in range(number(data[18:20], "big")):
            start = position + 2
            middle = start + number(data[position:start], "big")
            value = middle + 2
            position = value + number(data[middle:value], "big")
            headers[data[start:middle].decode()] = data[value:position].decode()
    except UnicodeDecodeError:
        # a writer that counted characters, not bytes: only the body can be found
        return data[body:], {}
    if position > len(data) or body > len(data):
        return data, {}
    return data[body:], headers


def read_json(data: bytes) -> Read:
    """Reads `{"data": "...", "headers": {...}}`; anything else is a bare body."""
    if data[:1] != b"{":
        return data, {}
    try:
        found = json.loads(data)
    except ValueError:
        return data, {}
    body = found.get("data")
    if not isinstance(body, str):
        return data, {}
    headers = found.get("headers")
    return body.encode(), headers if isinstance(headers, dict) else {}
