"""Records on the wire: headers, bodies and keys, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from anystream.core.exceptions import PublishError

Headers = list[tuple[str, bytes]]

# bytes to text for the content types that nearly every message has
_KNOWN_TYPES = {b"": "", b"application/json": "application/json", b"text/plain": "text/plain"}
_JSON = ("content-type", b"application/json")
_JSON_ALONE = ("application/json", "")


def wire_headers(headers: Mapping[str, Any], reply_to: str = "", *, single: bool = True) -> Headers:
    """The headers of one record.

    Args:
        headers: `correlation_id`, `content-type` if there is one, and the user's own, which win.
        reply_to: the topic that waits for answers, if any.
        single: a record that is published alone always has a content type, be it empty.

    Raises:
        PublishError: a value is neither str nor bytes nor None.
    """
    wire: dict[str, Any] = {}
    if single or "content-type" in headers:
        wire["content-type"] = ""
    wire["correlation_id"] = ""
    if reply_to:
        wire["reply_to"] = reply_to
    wire.update(headers)
    return [(name, _header_bytes(name, value)) for name, value in wire.items()]


def _header_bytes(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    raise PublishError(
        f"the header {name!r} is {value!r}: values of Kafka headers are str, bytes or None"
    )


def wire_key(key: Any) -> Any:
    """The key of a record: text is UTF-8; anything else goes to the client as it is."""
    return key.encode() if isinstance(key, str) else key


def is_tombstone(body: Any, data: bytes) -> bool:
    """Whether a body stands for no value at all, which deletes its key in a compacted topic."""
    return body is None and not data


def read_headers(pairs: Iterable[tuple[str, bytes | None]] | None) -> dict[str, str]:
    """Headers of a record as text; of equal names the last one counts."""
    if not pairs:
        return {}
    return {name: value.decode(errors="replace") if value else "" for name, value in pairs}


def content_and_reply(pairs: Sequence[tuple[str, bytes | None]] | None) -> tuple[str | None, str]:
    """The two headers that every message needs: its content type (None without) and the topic for
    answers (empty if nobody waits)."""
    if pairs and len(pairs) == 2 and pairs[0] == _JSON and pairs[1][0] == "correlation_id":
        return _JSON_ALONE  # as this library and FastStream publish
    content_type: str | None = None
    reply_to = ""
    for name, value in pairs or ():
        if name == "content-type":
            content_type = _KNOWN_TYPES.get(value or b"")
            if content_type is None:
                content_type = (value or b"").decode(errors="replace")
        elif name == "reply_to" and value:
            reply_to = value.decode(errors="replace")
    return content_type, reply_to


def message_id(offset: int, timestamp: int | None) -> str:
    """The id of one message."""
    return f"{offset}-{timestamp}"


def batch_id(first: int, last: int, timestamp: int | None) -> str:
    """The id of a batch."""
    return f"{first}-{last}-{timestamp}"
