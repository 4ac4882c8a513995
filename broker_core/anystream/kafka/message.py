"""The messages of aiokafka's subscribers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import ConsumerRecord

from anystream.core.ack import AckStatus
from anystream.core.message import StreamMessage
from anystream.kafka_common.message import KafkaMessageCore, Settling
from anystream.kafka_common.offsets import OffsetBook, PartitionProgress
from anystream.kafka_common.records import batch_id, content_and_reply, message_id, read_headers
from anystream.kafka_common.topics import TopicPattern

Places = Sequence[tuple[PartitionProgress, int]]

__all__ = ("KafkaAckableMessage", "KafkaBatchMessage", "KafkaMessage", "KafkaParserType")

KafkaParserType = (
    Callable[[ConsumerRecord[Any, Any]], "StreamMessage[Any] | Awaitable[StreamMessage[Any]]"]
    | Callable[
        [ConsumerRecord[Any, Any], Any], "StreamMessage[Any] | Awaitable[StreamMessage[Any]]"
    ]
)

DESERIALIZED = "application/x-python"  # what a deserializer of the client's made is no JSON


class _Held(KafkaMessageCore):
    """What its consumer knows of a message is asked for when somebody wants it."""

    _link: Link | None = None

    @property
    def settling(self) -> Settling | None:  # type: ignore[override]
        """Who commits."""
        return self._link.settling if self._link is not None else None

    @property
    def consumer(self) -> Any:
        """The client's `AIOKafkaConsumer`, None when it has ended; a `FakeConsumer` in tests."""
        if self.stand_in is not None:
            return self.stand_in
        return self._link.consumer if self._link is not None else None

    @property
    def pattern(self) -> TopicPattern | None:  # type: ignore[override]
        """Captures `path` from the topic."""
        return self._link.pattern if self._link is not None else None


class KafkaMessage(_Held):
    """One message; `raw_message` is the client's `ConsumerRecord`.

    With `AckPolicy.ACK_FIRST` it counts as acked from the start, and the methods do nothing.
    """

    raw_message: ConsumerRecord[Any, Any]
    _progress: PartitionProgress | None = None

    @property
    def places(self) -> Places:  # type: ignore[override]
        """Partition and offset of what is settled."""
        progress = self._progress
        return () if progress is None else ((progress, self.raw_message.offset),)

    @property
    def key(self) -> Any:
        """The record's key, None without one."""
        return self.raw_message.key

    @property
    def partition(self) -> int:
        """The partition that it was read from."""
        return self.raw_message.partition

    def read_headers(self) -> dict[str, Any]:
        return read_headers(self.raw_message.headers)

    def read_path(self) -> dict[str, Any]:
        return self.pattern.capture(self.raw_message.topic) if self.pattern else {}

    def read_message_id(self) -> str:
        """`offset-timestamp`."""
        return message_id(self.raw_message.offset, self.raw_message.timestamp)


KafkaAckableMessage = KafkaMessage


class KafkaBatchMessage(_Held):
    """A batch: one body, the list of all bodies; `raw_message` is a tuple of records."""

    raw_message: Sequence[ConsumerRecord[Any, Any]]

    @property
    def key(self) -> Any:
        """The key of the first record, None without one."""
        return self.raw_message[0].key

    @property
    def partition(self) -> int:
        """The partition of the first record."""
        return self.raw_message[0].partition

    def read_headers(self) -> dict[str, Any]:
        return read_headers(self.raw_message[0].headers)

    def read_path(self) -> dict[str, Any]:
        return self.pattern.capture(self.raw_message[0].topic) if self.pattern else {}

    def read_message_id(self) -> str:
        """`first offset-last offset-first timestamp`."""
        first, last = self.raw_message[0], self.raw_message[-1]
        return batch_id(first.offset, last.offset, first.timestamp)


class Link:
    """What a parser has to know of the consumer that is running now; empty while none is."""

    def __init__(self) -> None:
        self.pattern: TopicPattern | None = None  # captures values from topics
        self.consumer: Any = None
        self.settling: Settling | None = None
        self.book: OffsetBook | None = None
        self.first = False  # the client has acknowledged already
        # of a feed that hands out one message after the other, see `KafkaFeed`
        self.current: PartitionProgress | None = None
        self.message: KafkaMessage | None = None

    def declared(self, pattern: TopicPattern | None, *, first: bool) -> None:
        """What follows from the declaration."""
        self.pattern = pattern if pattern is not None and pattern.names else None
        self.first = first

    def clear(self) -> None:
        """The consumer has ended."""
        self.consumer = self.settling = self.book = self.current = self.message = None


def message_parser(link: Link) -> Callable[[ConsumerRecord[Any, Any]], KafkaMessage]:
    """Wraps records."""
    new, kind, acked = object.__new__, KafkaMessage, AckStatus.ACKED

    def parse(raw: ConsumerRecord[Any, Any]) -> KafkaMessage:
        message = new(kind)
        message.raw_message = raw
        value = raw.value
        message.body = b"" if value is None else value
        message._content_type, message._reply_to = content_and_reply(raw.headers)
        if type(value) is not bytes and value is not None:
            message._content_type = DESERIALIZED
        message._link = link
        current = link.current
        if current is not None:
            message._progress = current
            link.message = message
        elif link.book is not None:
            message._progress = link.book.partitions.get((raw.topic, raw.partition))
        elif link.first:
            message.committed = acked
        return message

    return parse


def batch_parser(link: Link) -> Callable[[Sequence[ConsumerRecord[Any, Any]]], KafkaBatchMessage]:
    """Wraps lists of records."""

    def parse(raw: Sequence[ConsumerRecord[Any, Any]]) -> KafkaBatchMessage:
        message = object.__new__(KafkaBatchMessage)
        bodies = [b"" if item.value is None else item.value for item in raw]
        message.take_batch(raw, bodies, [_headers_of(item) for item in raw])
        message._link = link
        book = link.book
        if book is not None:
            known = book.partitions
            places = [(known.get((item.topic, item.partition)), item.offset) for item in raw]
            message.places = [(where, offset) for where, offset in places if where is not None]
        elif link.first:
            message.committed = AckStatus.ACKED
        return message

    return parse


def _headers_of(raw: ConsumerRecord[Any, Any]) -> dict[str, str]:
    headers = read_headers(raw.headers)
    if type(raw.value) is not bytes and raw.value is not None:
        headers["content-type"] = DESERIALIZED
    return headers
