"""The messages of NATS subscribers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias, cast

from nats.aio.msg import Msg
from nats.js.object_store import ObjectStore

from anystream.core.ack import AckStatus
from anystream.core.address import Template
from anystream.core.codec import TEXT
from anystream.core.ids import gen_cor_id
from anystream.core.message import StreamMessage
from anystream.nats.bucket_changes import KeyChange, ObjectChange

__all__ = (
    "NatsBatchMessage",
    "NatsKvMessage",
    "NatsMessage",
    "NatsObjMessage",
    "NatsParserType",
    "batch_parser",
    "core_parser",
    "key_parser",
    "object_parser",
    "stream_parser",
)


class NatsMessage(StreamMessage[Msg]):
    """One message.

    Messages of core subjects know no acknowledgement: they count as acked from the start and
    the methods do nothing.
    """

    raw_message: Msg
    template: Template | None = None

    def read_path(self) -> dict[str, Any]:
        return self.template.capture(self.raw_message.subject) if self.template else {}

    async def ack(self) -> None:
        """Tells the stream that the message was handled."""
        if self.committed is None:
            raw = self.raw_message
            if not raw._ackd:
                # what `Msg.ack` does, less its checks
                await raw._client.publish(raw.reply)
                raw._ackd = True
            self.committed = AckStatus.ACKED

    async def ack_sync(self, timeout: float = 1.0) -> None:
        """Acknowledges and waits until the server has noted it.

        Args:
            timeout: seconds to wait for the server.
        """
        if self.committed is None:
            if not self.raw_message._ackd:
                await self.raw_message.ack_sync(timeout=timeout)
            self.committed = AckStatus.ACKED

    async def nack(self, delay: float | None = None) -> None:
        """Gives the message back to be delivered again.

        Args:
            delay: seconds to wait before; at once by default.
        """
        if self.committed is None:
            if not self.raw_message._ackd:
                await self.raw_message.nak(delay=delay)
            self.committed = AckStatus.NACKED

    async def reject(self) -> None:
        """Gives the message up: the stream does not deliver it again (`term`)."""
        if self.committed is None:
            if not self.raw_message._ackd:
                await self.raw_message.term()
            self.committed = AckStatus.REJECTED

    async def in_progress(self) -> None:
        """Tells the stream that the handler still works: its `ack_wait` starts anew."""
        if self.committed is None:
            await self.raw_message.in_progress()


class NatsBatchMessage(StreamMessage[list[Msg]]):
    """A batch: one body, the list of all bodies; one acknowledgement for all."""

    raw_message: list[Msg]
    template: Template | None = None

    def read_headers(self) -> dict[str, Any]:
        return self.raw_message[0].headers or {}

    def read_path(self) -> dict[str, Any]:
        return self.template.capture(self.raw_message[0].subject) if self.template else {}

    async def ack(self) -> None:
        """Tells the stream that all messages were handled."""
        await self._settle(AckStatus.ACKED, Msg.ack)

    async def ack_sync(self, timeout: float = 1.0) -> None:
        """Acknowledges and waits until the server has noted it.

        Args:
            timeout: seconds to wait for the server, for each message.
        """
        await self._settle(AckStatus.ACKED, partial(Msg.ack_sync, timeout=timeout))

    async def nack(self, delay: float | None = None) -> None:
        """Gives all messages back to be delivered again.

        Args:
            delay: seconds to wait before; at once by default.
        """
        await self._settle(AckStatus.NACKED, partial(Msg.nak, delay=delay))

    async def reject(self) -> None:
        """Gives all messages up (`term`)."""
        await self._settle(AckStatus.REJECTED, Msg.term)

    async def _settle(self, status: AckStatus, tell: Callable[[Msg], Awaitable[Any]]) -> None:
        if self.committed is None:
            for raw in self.raw_message:
                if not raw._ackd:  # the handler may have settled some by itself
                    await tell(raw)
            self.committed = status

    async def in_progress(self) -> None:
        """Tells the stream that the handler still works."""
        if self.committed is None:
            for raw in self.raw_message:
                await raw.in_progress()


class NatsKvMessage(StreamMessage[KeyChange]):
    """A change of a key: its body is the new value, empty where the key was deleted.

    There is nothing to acknowledge. `raw_message` is the client's entry: `key`, `revision`,
    `operation` (`DEL`, `PURGE` or None), `created`.
    """

    raw_message: KeyChange
    template: Template | None = None

    def read_path(self) -> dict[str, Any]:
        return self.template.capture(self.raw_message.key) if self.template else {}


class NatsObjMessage(StreamMessage[ObjectChange]):
    """A change of an object: its body is the object's name.

    There is nothing to acknowledge. `raw_message` is the client's description: `size`, `digest`,
    `deleted`, `description`, ….
    """

    raw_message: ObjectChange

    @property
    def object_storage(self) -> ObjectStore:
        """The bucket that the object is in; in test mode a mock of one."""
        storage: Any = self.raw_message.storage  # there before the first change is read
        return cast("ObjectStore", storage)


NatsParserType: TypeAlias = (
    Callable[[Msg], Awaitable[NatsMessage]]
    | Callable[[Msg, Callable[[Msg], Awaitable[NatsMessage]]], Awaitable[NatsMessage]]
)


def core_parser(template: Template | None) -> Callable[[Msg], NatsMessage]:
    """Wraps messages of core subjects; whoever waits for an answer is in the reply field."""
    new, kind, acked = object.__new__, NatsMessage, AckStatus.ACKED

    def parse(raw: Msg) -> NatsMessage:
        message = new(kind)
        message.raw_message = raw
        message.body = raw.data
        message._reply_to = raw.reply
        message._headers = headers = raw.headers or {}
        message._content_type = headers.get("content-type")
        message.committed = acked
        if template is not None:
            message.template = template
        return message

    return parse


def stream_parser(template: Template | None) -> Callable[[Msg], NatsMessage]:
    """Wraps messages of a stream; the reply field is for acknowledgements, so the address for
    answers is a header."""
    new, kind = object.__new__, NatsMessage

    def parse(raw: Msg) -> NatsMessage:
        message = new(kind)
        message.raw_message = raw
        message.body = raw.data
        message._headers = headers = raw.headers or {}
        message._reply_to = headers.get("reply_to", "")
        message._content_type = headers.get("content-type")
        if template is not None:
            message.template = template
        return message

    return parse


def batch_parser(template: Template | None) -> Callable[[list[Msg]], NatsBatchMessage]:
    """Wraps lists of messages of a stream."""

    def parse(raw: list[Msg]) -> NatsBatchMessage:
        message = object.__new__(NatsBatchMessage)
        message.raw_message = raw
        message.body = [item.data for item in raw]
        message.batch_headers = [item.headers or {} for item in raw]
        message._reply_to = message.headers.get("reply_to", "")
        message.correlation_id = gen_cor_id()
        message.template = template
        return message

    return parse


def key_parser(template: Template | None) -> Callable[[KeyChange], NatsKvMessage]:
    """Wraps changes of keys."""

    def parse(raw: KeyChange) -> NatsKvMessage:
        message = object.__new__(NatsKvMessage)
        message.raw_message = raw
        message.body = raw.value or b""
        message._headers = raw.headers
        message._content_type = raw.headers.get("content-type")
        message.committed = AckStatus.ACKED
        message.template = template
        return message

    return parse


def object_parser(_: Template | None) -> Callable[[ObjectChange], NatsObjMessage]:
    """Wraps changes of objects."""

    def parse(raw: ObjectChange) -> NatsObjMessage:
        message = object.__new__(NatsObjMessage)
        message.raw_message = raw
        message.body = raw.name.encode()
        message._headers = dict(raw.headers or {})
        message._content_type = TEXT
        message.committed = AckStatus.ACKED
        return message

    return parse
