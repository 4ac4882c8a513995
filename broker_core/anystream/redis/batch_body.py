"""The body of a batch: one JSON array of its parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from anystream.core.codec import JSON
from anystream.core.message import StreamMessage


class BatchBody(StreamMessage[dict[str, Any]]):
    """Has as its body the JSON array of the batch's bodies, written when somebody asks for it.

    Handlers without a decoder of their own get the parts decoded one by one, and nothing is
    written at all.
    """

    _body: Any = None

    def set_parts(self, parts: Sequence[bytes]) -> None:
        """Says what the batch is made of."""
        self._parts = parts
        self._content_type = JSON

    @property
    def body(self) -> Any:
        """The parts as one JSON array: what is no JSON is a string of it."""
        if self._body is None and self._parts is not None:
            self._body = json_array(self._parts)
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._body, self._parts = value, None  # whoever replaces it replaces all parts


def json_array(parts: Sequence[bytes]) -> bytes:
    """The JSON array of bodies, each JSON if it can be read as such, else a text."""
    return json.dumps([_value(part) for part in parts]).encode()


def _value(part: bytes) -> Any:
    try:
        return json.loads(part)
    except (ValueError, RecursionError):
        return part.decode(errors="replace")
