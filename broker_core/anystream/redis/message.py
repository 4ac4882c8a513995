"""The messages of Redis subscribers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from anystream.core.ack import AckStatus
from anystream.core.address import Template
from anystream.core.codec import JSON
from anystream.core.exceptions import IncorrectState
from anystream.core.ids import gen_cor_id
from anystream.core.message import StreamMessage
from anystream.redis.batch_body import BatchBody
from anystream.redis.parser import MessageFormat, read_json

__all__ = (
    "RedisBatchListMessage",
    "RedisBatchStreamMessage",
    "RedisChannelMessage",
    "RedisListMessage",
    "RedisMessage",
    "RedisStreamMessage",
    "StreamEntries",
)

BODY = b"__data__"


class Desk(Protocol):
    """Where the messages of a group are acknowledged."""

    group: str

    async def ack(self, ids: Sequence[bytes]) -> None:
        """They were handled."""
        ...

    async def delete(self, ids: Sequence[bytes]) -> None:
        """They shall not be in the stream any more."""
        ...

    async def delivery_count(self, entry: bytes) -> int:
        """How often one was delivered."""
        ...


class StreamEntries(dict[str, Any]):
    """One native message of a stream (or a batch), and where it is acknowledged."""

    __slots__ = ("desk",)

    desk: Desk | None


class RedisMessage(StreamMessage[dict[str, Any]]):
    """A message of a channel, a list or a stream.

    Only messages of a stream that were read as a group know acknowledgement; for the others the
    methods do nothing.
    """

    raw_message: dict[str, Any]
    template: Template | None = None

    @property
    def message_id(self) -> str:
        """Id of this message: its `message_id` header, else made up once.

        Messages of one conversation have the same correlation id, so that cannot be it.
        """
        if "_message_id" not in self.__dict__:
            self._message_id = self.headers.get("message_id") or self._new_id()
        return self._message_id  # type: ignore[no-any-return]

    @message_id.setter
    def message_id(self, value: str) -> None:
        self._message_id = value

    def _new_id(self) -> str:
        return gen_cor_id() if self.headers.get("correlation_id") else self.correlation_id

    def read_path(self) -> dict[str, Any]:
        return self.template.capture(self.raw_message["channel"]) if self.template else {}

    def _desk(self) -> Desk | None:
        return getattr(self.raw_message, "desk", None)

    async def ack(self, redis: Any = None, group: str | None = None) -> None:
        """Tells the group that the message was handled.

        Args:
            redis: a client to do it with; the broker's own connection by default.
            group: the group; the subscriber's by default.
        """
        if self.committed is None:
            raw, desk = self.raw_message, self._desk()
            if redis is not None and (group or desk):
                name = group or (desk.group if desk else "")
                await redis.xack(raw["channel"], name, *raw["message_ids"])
            elif desk is not None:
                await desk.ack(raw["message_ids"])
            self.committed = AckStatus.ACKED

    async def nack(self, redis: Any = None, group: str | None = None) -> None:
        """Leaves the message to the group: a subscriber that claims may take it later."""
        if self.committed is None:
            self.committed = AckStatus.NACKED

    async def reject(self, redis: Any = None, group: str | None = None) -> None:
        """Leaves the message to the group, as `nack` does."""
        if self.committed is None:
            self.committed = AckStatus.REJECTED

    async def delete(self, redis: Any = None) -> None:
        """Takes the message out of its stream.

        Args:
            redis: a client to do it with; the broker's own connection by default.

        Raises:
            IncorrectState: it is not of a stream, or the subscriber was stopped.
        """
        ids = self.raw_message.get("message_ids")
        desk = self._desk()
        if ids and redis is not None:
            await redis.xdel(self.raw_message["channel"], *ids)
        elif ids and desk is not None:
            await desk.delete(ids)
        else:
            raise IncorrectState(f"{self!r} cannot be deleted: only messages of streams can")

    async def get_delivery_count(self, redis: Any = None) -> int:
        """How often the group has delivered this message, from 1.

        Raises:
            IncorrectState: it was not read as a group.
        """
        desk = self._desk()
        if desk is None:
            raise IncorrectState(f"{self!r} has no delivery count: it was not read by a group")
        return await desk.delivery_count(self.raw_message["message_ids"][0])


class RedisChannelMessage(RedisMessage):
    """A message of a channel."""


class RedisListMessage(RedisMessage):
    """An element of a list."""


class RedisStreamMessage(RedisMessage):
    """A message of a stream."""


class RedisBatchListMessage(BatchBody, RedisMessage):
    """Elements of a list: one body, the JSON array of all bodies."""


class RedisBatchStreamMessage(BatchBody, RedisMessage):
    """Messages of a stream: one body, the JSON array of all bodies; one acknowledgement for all."""


Read = Callable[[bytes], "tuple[bytes, dict[str, Any]]"]
Parse = Callable[["dict[str, Any]"], RedisMessage]

_SINGLE: dict[str, type[RedisMessage]] = {
    "channel": RedisChannelMessage,
    "list": RedisListMessage,
    "stream": RedisStreamMessage,
}
_BATCH: dict[str, type[RedisBatchListMessage | RedisBatchStreamMessage]] = {
    "list": RedisBatchListMessage,
    "stream": RedisBatchStreamMessage,
}


def single_parser(kind: str, form: type[MessageFormat], template: Template | None) -> Parse:
    """Wraps single messages.

    Args:
        kind: `channel`, `list` or `stream`.
        form: takes payloads apart.
        template: has the names of the channel's parts, None if there are none.
    """
    new, made, read, streams = object.__new__, _SINGLE[kind], form.parse, kind == "stream"

    def parse(raw: dict[str, Any]) -> RedisMessage:
        message = new(made)
        message.raw_message = raw
        data = entry_data(raw["data"], read) if streams else read(raw["data"])
        message.body, message._headers = data
        headers = message._headers
        message._content_type = headers.get("content-type")
        message._reply_to = headers.get("reply_to", "")
        if template is not None:
            message.template = template
        return message

    return parse


def batch_parser(kind: str, form: type[MessageFormat]) -> Parse:
    """Wraps batches of a list or a stream; the headers are those of the first message."""
    made, read, streams = _BATCH[kind], form.parse, kind == "stream"

    def parse(raw: dict[str, Any]) -> RedisMessage:
        message = object.__new__(made)
        message.raw_message = raw
        found = [entry_data(item, read) if streams else read(item) for item in raw["data"]]
        message.set_parts([body for body, _ in found])
        message.batch_headers = [headers for _, headers in found]
        first = message.batch_headers[0] if found else {}
        message._headers = {**first, "content-type": JSON}
        message._reply_to = first.get("reply_to", "")
        return message

    return parse


def entry_data(fields: dict[bytes, bytes], read: Read) -> tuple[bytes, dict[str, Any]]:
    """The body and headers of an entry of a stream; foreign ones have fields of their own."""
    data = fields.get(BODY)
    if data is not None:
        return read(data)
    readable = {
        name.decode(errors="replace"): value.decode(errors="replace")
        for name, value in fields.items()
    }
    return read_json(json.dumps(readable).encode())
