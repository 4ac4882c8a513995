"""Test mode for Kafka through librdkafka: no server, delivery in the caller's task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import TIMESTAMP_CREATE_TIME

from anystream.confluent.broker import KafkaBroker
from anystream.core.testing import TestBroker
from anystream.core.transport import Transport
from anystream.kafka_common.records import wire_headers, wire_key
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
        """The key, empty without one."""
        return self._fields[3]

    def value(self) -> Any:
        """The encoded body."""
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
    command: Any, place: int, data: bytes, headers: dict[str, Any], offset: int
) -> UnsentMessage:
    """The client's message for one body of a command, as the server would have sent it."""
    when = command.timestamp_for(place)
    return UnsentMessage(
        command.destination,
        command.partition or 0,
        offset,
        wire_key(command.key_for(place)) or b"",
        data,
        wire_headers(headers, command.reply_to),
        int(time.time() * 1000) if when is None else when,
    )


class TestKafkaBroker(TestBroker):
    """Test mode for Kafka, see `TestBroker`.

    Topics, patterns, partitions and groups work as at the server: of a group one member gets each
    message.
    """

    __test__ = False

    broker_class = KafkaBroker

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        bus = TopicBus()
        return [KafkaTestTransport(broker.transport, bus, make_message) for broker in brokers]
