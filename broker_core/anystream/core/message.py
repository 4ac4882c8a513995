"""The message that came in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any, Generic, TypeVar

from anystream.core.ack import AckStatus
from anystream.core.codec import decode_message, encode_message
from anystream.core.exceptions import IncorrectState
from anystream.core.ids import gen_cor_id

__all__ = (
    "AckStatus",
    "SourceType",
    "StreamMessage",
    "decode_message",
    "encode_message",
    "gen_cor_id",
)

RawT = TypeVar("RawT")

_UNREAD: Any = object()


class SourceType(str, Enum):
    """Where a message came from: a subscription, or the response to a request."""

    CONSUME = "CONSUME"
    RESPONSE = "RESPONSE"


class StreamMessage(Generic[RawT]):
    """One incoming message, whatever its broker.

    A parser sets what every message needs (body, reply address, content type); other headers,
    ids and path values are read from the native message when somebody asks for them.

    Args:
        raw_message: the native message of the client library.
        body: the undecoded body, bytes as a rule (a list of them in a batch).
        headers: header names and values.
        reply_to: the address that waits for an answer, empty if nobody does.
        batch_headers: the headers of each message of a batch.
        path: values captured from the address.
        content_type: MIME type of the body, None if unknown.
        correlation_id: id of the conversation; a new one when not given.
        message_id: id of the message; the correlation id when not given.
        source_type: subscription or response.
    """

    committed: AckStatus | None = None
    processed: bool = False
    source_type: SourceType = SourceType.CONSUME
    batch_headers: Sequence[dict[str, Any]] = ()

    _headers: Any = _UNREAD
    _reply_to: str = ""
    _path: Any = _UNREAD
    _content_type: Any = _UNREAD
    _correlation_id: Any = _UNREAD
    _message_id: Any = _UNREAD
    _decoder: Callable[[Any], Awaitable[Any]] | None = None
    _decoded: dict[Any, Any] | None = None
    _plain: Any = _UNREAD  # what the default decoder made of the body
    _parts: Any = None  # the undecoded bodies of a batch whose `body` is one text

    def __init__(
        self,
        raw_message: RawT,
        body: Any,
        *,
        headers: dict[str, Any] | None = None,
        reply_to: str = "",
        batch_headers: Sequence[dict[str, Any]] | None = None,
        path: dict[str, Any] | None = None,
        content_type: str | None = None,
        correlation_id: str | None = None,
        message_id: str | None = None,
        source_type: SourceType = SourceType.CONSUME,
    ) -> None:
        self.raw_message = raw_message
        self.body = body
        self._headers = headers or {}
        self._reply_to = reply_to
        self.batch_headers = batch_headers or []
        self._path = path or {}
        self._content_type = content_type
        self._correlation_id = correlation_id or gen_cor_id()
        self._message_id = message_id or self._correlation_id
        self.source_type = source_type

    # How the lazy attributes are read; a broker's message class overrides them.
    def read_headers(self) -> dict[str, Any]:
        return {}

    def read_path(self) -> dict[str, Any]:
        return {}

    @property
    def headers(self) -> dict[str, Any]:
        """Header names and values."""
        if self._headers is _UNREAD:
            self._headers = self.read_headers()
        return self._headers  # type: ignore[no-any-return]

    @headers.setter
    def headers(self, value: dict[str, Any]) -> None:
        self._headers = value

    @property
    def reply_to(self) -> str:
        """The address that waits for an answer; empty if nobody does."""
        return self._reply_to

    @reply_to.setter
    def reply_to(self, value: str) -> None:
        self._reply_to = value

    @property
    def path(self) -> dict[str, Any]:
        """The values that `{name}` parts of the address captured."""
        if self._path is _UNREAD:
            self._path = self.read_path()
        return self._path  # type: ignore[no-any-return]

    @path.setter
    def path(self, value: dict[str, Any]) -> None:
        self._path = value

    @property
    def content_type(self) -> str | None:
        """MIME type of the body, None if the sender named none."""
        if self._content_type is _UNREAD:
            self._content_type = self.headers.get("content-type")
        return self._content_type  # type: ignore[no-any-return]

    @content_type.setter
    def content_type(self, value: str | None) -> None:
        self._content_type = value

    @property
    def correlation_id(self) -> str:
        """Id of the conversation; made up once if the sender gave none."""
        if self._correlation_id is _UNREAD:
            self._correlation_id = self.headers.get("correlation_id") or gen_cor_id()
        return self._correlation_id  # type: ignore[no-any-return]

    @correlation_id.setter
    def correlation_id(self, value: str) -> None:
        self._correlation_id = value

    @property
    def message_id(self) -> str:
        """Id of this message; the correlation id if the sender gave none."""
        if self._message_id is _UNREAD:
            self._message_id = self.headers.get("message_id") or self.correlation_id
        return self._message_id  # type: ignore[no-any-return]

    @message_id.setter
    def message_id(self, value: str) -> None:
        self._message_id = value

    def set_decoder(self, decoder: Callable[[Any], Awaitable[Any]]) -> None:
        """Sets the coroutine function that `decode()` calls with this message."""
        self._decoder = decoder
        self._plain = _UNREAD

    def clear_cache(self) -> None:
        """Forgets decoded bodies."""
        self._decoded = None
        self._plain = _UNREAD

    async def decode(self) -> Any:
        """Returns the decoded body; each decoder runs once.

        Raises:
            IncorrectState: no decoder was set.
        """
        decoder = self._decoder
        if decoder is None:
            raise IncorrectState(
                f"{self!r} has no decoder: call `set_decoder()` first, "
                "or get the message from a subscriber"
            )
        if self._plain is not _UNREAD:
            return self._plain
        cache = self._decoded
        if cache is None:
            cache = self._decoded = {}
        if decoder not in cache:
            cache[decoder] = await decoder(self)
        return cache[decoder]

    async def ack(self) -> None:
        """Tells the server that the message was handled."""
        if self.committed is None:
            self.committed = AckStatus.ACKED

    async def nack(self) -> None:
        """Gives the message back, to be delivered again."""
        if self.committed is None:
            self.committed = AckStatus.NACKED

    async def reject(self) -> None:
        """Gives the message up for good."""
        if self.committed is None:
            self.committed = AckStatus.REJECTED

    def __copy__(self) -> StreamMessage[RawT]:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.clear_cache()
        return twin

    def __repr__(self) -> str:
        fields = {
            "body": self.body,
            "content_type": self.content_type,
            "message_id": self.message_id,
            "correlation_id": self.correlation_id,
            "reply_to": self.reply_to or None,
            "headers": self.headers,
            "path": self.path,
            "committed": self.committed,
            "raw_message": self.raw_message,
        }
        if not self.reply_to:
            del fields["reply_to"]
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in fields.items())})"
