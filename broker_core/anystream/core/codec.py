"""Bodies: how a Python value becomes bytes and bytes become a Python value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pydantic_core import from_json

if TYPE_CHECKING:
    from anystream.core.message import StreamMessage

JSON = "application/json"
TEXT = "text/plain"


@runtime_checkable
class Codec(Protocol):
    """Replaces the whole encoding of a broker or a subscriber."""

    async def decode(self, msg: Any) -> Any:
        """Returns the body of an incoming message."""
        ...

    async def encode(self, msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        """Returns bytes and content type of an outgoing body."""
        ...


@runtime_checkable
class BatchCodec(Protocol):
    """What a codec needs besides to serve batch subscribers and `publish_batch`."""

    async def decode_batch(self, msg: Any) -> list[Any]:
        """Returns the bodies of a batch."""
        ...

    async def encode_batch(
        self, msgs: Sequence[Any], serializer: Any = None
    ) -> list[tuple[bytes, str | None]]:
        """Returns bytes and content type of each body."""
        ...


def encode_message(msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
    """Encodes a body and names its content type.

    `None` is empty, bytes go as they are, `str` is UTF-8 text; anything else is JSON made by
    the serializer, or by `json.dumps` when there is none.
    """
    if msg is None:
        return b"", None
    if isinstance(msg, bytes):
        return msg, None
    if isinstance(msg, str):
        return msg.encode(), TEXT
    if serializer is not None:
        return serializer.encode(msg), JSON
    return json.dumps(msg).encode(), JSON


def load_json(data: bytes) -> Any:
    """Parses JSON; raises `ValueError` (`json.JSONDecodeError`) when it is none."""
    try:
        return from_json(data)
    except ValueError:
        # json.loads also reads UTF-16, UTF-32, a BOM and lone surrogates, and gives the usual error
        return json.loads(data)


def decode_body(data: Any, content_type: str | None) -> Any:
    """Decodes a body by its content type; without one, JSON is tried and bytes are the fallback."""
    if content_type == JSON:
        return load_json(data)
    if not content_type:
        try:
            return from_json(data)
        except (ValueError, TypeError):
            try:
                return json.loads(data)
            except (ValueError, TypeError):
                return data
    if content_type.startswith(JSON):
        return load_json(data)
    if content_type == TEXT:
        return data.decode()
    return data


def decode_message(message: StreamMessage[Any]) -> Any:
    """Returns the decoded body of a message, see `decode_body`."""
    return decode_body(message.body, message.content_type)
