"""The messages of librdkafka's subscribers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import Message

from anystream.confluent.consumer import KafkaConsumer
from anystream.core.ack import AckStatus
from anystream.core.message import StreamMessage
from anystream.kafka_common.message import KafkaMessageCore
from anystream.kafka_common.records import batch_id, content_and_reply, message_id, read_headers
from anystream.kafka_common.topics import TopicPattern

if TYPE_CHECKING:
    from anystream.confluent.feeds import KafkaFeed
    from anystream.confluent.intake import Intake
    from anystream.confluent.readers import KafkaReader
    from anystream.kafka_common.offsets import PartitionProgress

    Places = Sequence[tuple[PartitionProgress, int]]

__all__ = ("ConfluentParserType", "KafkaBatchMessage", "KafkaMessage")

ConfluentParserType = (
    Callable[[Message], "StreamMessage[Any] | Awaitable[StreamMessage[Any]]"]
    | Callable[[Message, Any], "StreamMessage[Any] | Awaitable[StreamMessage[Any]]"]
)


class _Held(KafkaMessageCore):
    """What its feed or reader knows of a message is asked for when somebody wants it."""

    is_manual: bool = True
    _holder: KafkaFeed | KafkaReader | None = None
    _places: Places | None = None

    @property
    def places(self) -> Places:  # type: ignore[override]
        """Partitions and offsets of what is settled together."""
        if self._places is None:
            self._places = () if self._holder is None else self._holder.places(self.raw_message)
        return self._places

    @property
    def settling(self) -> Intake | None:  # type: ignore[override]
        """Who commits."""
        return None if self._holder is None else self._holder.intake

    @property
    def consumer(self) -> Any:
        """The `KafkaConsumer` that has read it, None when that has ended; in test mode a
        `FakeConsumer`."""
        if self.stand_in is not None:
            return self.stand_in
        holder = self._holder
        if holder is None:
            return None
        return KafkaConsumer(holder.intake, [progress.key for progress, _ in self.places])


class KafkaMessage(_Held):
    """One message; `raw_message` is the client's `Message`, whose accessors are methods.

    With `AckPolicy.ACK_FIRST` it counts as acked from the start, and the methods do nothing.
    """

    raw_message: Message

    @property
    def key(self) -> Any:
        """The record's key, None without one."""
        return self.raw_message.key()

    @property
    def partition(self) -> int | None:
        """The partition that it was read from."""
        return self.raw_message.partition()

    def read_headers(self) -> dict[str, Any]:
        return read_headers(known_headers(self.raw_message))

    def read_path(self) -> dict[str, Any]:
        return self.pattern.capture(self.raw_message.topic() or "") if self.pattern else {}

    def read_message_id(self) -> str:
        """`offset-timestamp`."""
        raw = self.raw_message
        return message_id(raw.offset() or 0, raw.timestamp()[1])


class KafkaBatchMessage(_Held):
    """A batch: one body, the list of all bodies; `raw_message` is a tuple of messages."""

    raw_message: Sequence[Message]

    @property
    def key(self) -> Any:
        """The key of the first record, None without one."""
        return self.raw_message[0].key()

    @property
    def partition(self) -> int | None:
        """The partition of the first record."""
        return self.raw_message[0].partition()

    def read_headers(self) -> dict[str, Any]:
        return read_headers(known_headers(self.raw_message[0]))

    def read_path(self) -> dict[str, Any]:
        return self.pattern.capture(self.raw_message[0].topic() or "") if self.pattern else {}

    def read_message_id(self) -> str:
        """`first offset-last offset-first timestamp`."""
        first, last = self.raw_message[0], self.raw_message[-1]
        return batch_id(first.offset() or 0, last.offset() or 0, first.timestamp()[1])


class Link:
    """What a parser has to know of the feed or reader that is running now; nothing while none is.

    Args:
        first: messages count as acknowledged from the start.

    `pattern` captures values from topics, if the subscriber's has named parts.
    """

    def __init__(self, *, first: bool = False) -> None:
        self.pattern: TopicPattern | None = None
        self.first = first
        self.holder: KafkaFeed | KafkaReader | None = None


def known_headers(raw: Any) -> Sequence[tuple[str, bytes]]:
    """The headers of a message that have a value."""
    pairs = raw.headers()
    if not pairs:
        return ()
    if isinstance(pairs, dict):
        pairs = pairs.items()
    return [pair for pair in pairs if pair[1] is not None]


def message_parser(link: Link) -> Callable[[Message], KafkaMessage]:
    """Wraps messages."""
    new, kind, acked = object.__new__, KafkaMessage, AckStatus.ACKED
    pattern, first = link.pattern, link.first

    def parse(raw: Any) -> KafkaMessage:
        message = new(kind)
        message.raw_message = raw
        message.body = raw.value() or b""
        message._content_type, message._reply_to = content_and_reply(raw.headers())
        holder = message._holder = link.holder
        if holder is not None:
            if holder.late:
                message._places = holder.places(raw)
            holder.message = message
        if first:
            message.committed, message.is_manual = acked, False
        if pattern is not None:
            message.pattern = pattern
        return message

    return parse


def batch_parser(link: Link) -> Callable[[Sequence[Message]], KafkaBatchMessage]:
    """Wraps lists of messages."""

    def parse(raw: Sequence[Any]) -> KafkaBatchMessage:
        message = object.__new__(KafkaBatchMessage)
        bodies = [item.value() or b"" for item in raw]
        message.take_batch(raw, bodies, [read_headers(known_headers(item)) for item in raw])
        message.pattern = link.pattern
        holder = message._holder = link.holder
        if holder is not None:
            if holder.late:
                message._places = holder.places(raw)
            holder.message = message
        if link.first:
            message.committed, message.is_manual = AckStatus.ACKED, False
        return message

    return parse
