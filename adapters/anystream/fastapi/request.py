"""A message in the form in which FastAPI's dependencies expect a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi import Request

if TYPE_CHECKING:
    from anystream.core.context import ContextRepo


class MessageHeaders(dict[str, Any]):
    """Headers with the keys of the wire; `get` and `[]` find them in any case, too."""

    def __missing__(self, key: str) -> Any:
        wanted = key.lower()
        for name, value in self.items():
            if name.lower() == wanted:
                return value
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a header."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None


class StreamMessage(Request):
    """A message as a request: the body's keys and the captures of its address are query and path
    parameters, its headers the headers.

    Args:
        message: the message.
        body: its decoded body.
        values: what query and path parameters are taken from.
        headers: its headers.
        app: the application, None before the start.
        state: the state of the lifespan.
        context: the router's context.
    """

    def __init__(
        self,
        message: Any,
        *,
        body: Any,
        values: Mapping[str, Any],
        headers: MessageHeaders,
        app: Any,
        state: Mapping[str, Any],
        context: ContextRepo,
    ) -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [],
            "path_params": values,
            "state": dict(state),
        }
        if app is not None:
            scope["app"] = app
        super().__init__(scope)
        self.message = message
        self.context = context
        self._values = values
        self._message_headers = headers
        self._decoded = body

    @property
    def query_params(self) -> Any:
        """The body by keys, see section "How a message becomes a request" of the documentation."""
        return self._values

    @property
    def headers(self) -> Any:
        """The message's headers."""
        return self._message_headers

    @property
    def cookies(self) -> dict[str, str]:
        """None: a message has no cookies."""
        return {}

    async def body(self) -> bytes:
        """The undecoded body."""
        found: bytes = self.message.body
        return found

    async def json(self) -> Any:
        """The decoded body."""
        return self._decoded
