"""Test mode for Kafka through librdkafka: no server, delivery in the caller's task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import TIMESTAMP_CREATE_TIME

from anystream.confluent.broker import KafkaBroker
from anystream.confluent.fake_consumer import FakeConsumer
from anystream.core.testing import TestBroker
from anystream.core.transport import Transport
from anystream.kafka_common.records import is_tombstone, wire_headers, wire_key
from anystream.kafka_common.testing import KafkaTestTransport, TopicBus

if TYPE_CHECKING:
    from anystream.core.broker import Broker

__test__ = False


class UnsentMessage:
    """The client's message without a server; the same methods."""

    __slots__ = ("_fields",)

    def __init__(self, *fields: Any) -> None:
        self._fields = fields

    def topic(self) -> Any:
        """Where it was sent."""
        return self._fields[0]

    def partition(self) -> Any:
        """The partition, 0 unless one was given."""
        return self._fields[1]

    def offset(self) -> Any:
        """Its place in the partition."""
        return self._fields[2]

    def key(self) -> Any:
        """The key, None without one."""
        return self._fields[3]

    def value(self) -> Any:
        """The encoded body; None for a body of None."""
        return self._fields[4]

    def headers(self) -> Any:
        """Names and bytes."""
        return self._fields[5]

    def timestamp(self) -> tuple[int, int]:
        """Its kind, and milliseconds since 1970."""
        return TIMESTAMP_CREATE_TIME, self._fields[6]

    def error(self) -> None:
        """None: it is a message."""

    def leader_epoch(self) -> None:
        """None: nobody leads."""

    def latency(self) -> None:
        """None: it went nowhere."""

    def __len__(self) -> int:
        return len(self._fields[4] or b"")


def make_message(
    command: Any, place: int | None, data: bytes, headers: dict[str, Any], offset: int
) -> UnsentMessage:
    """The client's message for one body of a command, as the server would have sent it."""
    alone = place is None
    when = command.timestamp_ms if place is None else command.timestamp_for(place)
    return UnsentMessage(
        command.destination,
        command.partition or 0,
        offset,
        wire_key(command.key if place is None else command.key_for(place)),
        # as the transport does it: in a batch there is no null value
        None if alone and is_tombstone(command.body, data) else data,
        wire_headers(headers, command.reply_to, single=alone),
        int(time.time() * 1000) if when is None else when,
    )


def _place_of(record: Any) -> tuple[str, int, int]:
    return record.topic(), record.partition(), record.offset()


class TestKafkaBroker(TestBroker):
    """Test mode for Kafka, see `TestBroker`.

    Topics, patterns, partitions and groups work as at the server: of a group one member gets each
    message.
    """

    __test__ = False

    broker_class = KafkaBroker

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        bus = TopicBus()
        return [
            KafkaTestTransport(broker.transport, bus, make_message, FakeConsumer, _place_of)
            for broker in brokers
        ]
