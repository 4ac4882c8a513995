"""Test mode for Kafka: no server, delivery in the caller's task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord

from anystream.core.testing import TestBroker
from anystream.core.transport import Transport
from anystream.kafka.broker import KafkaBroker
from anystream.kafka_common.records import is_tombstone, wire_headers, wire_key
from anystream.kafka_common.testing import KafkaTestTransport, TopicBus

if TYPE_CHECKING:
    from anystream.core.broker import Broker

__test__ = False


def make_record(
    command: Any, place: int, data: bytes, headers: dict[str, Any], offset: int
) -> ConsumerRecord[Any, Any]:
    """The client's record for a command, as the server would have sent it."""
    key = wire_key(command.key_for(place))
    gone = key is not None and is_tombstone(command.body, data)
    return ConsumerRecord(
        topic=command.destination,
        partition=command.partition or 0,
        offset=offset,
        timestamp=command.timestamp_for(place) or int(time.time() * 1000),
        timestamp_type=0,
        key=key,
        value=None if gone else data,
        checksum=None,
        serialized_key_size=len(key) if isinstance(key, bytes) else -1,
        serialized_value_size=-1 if gone else len(data),
        headers=tuple(wire_headers(headers, command.reply_to)),
    )


class TestKafkaBroker(TestBroker):
    """Test mode for Kafka, see `TestBroker`.

    Topics, patterns and explicit partitions work as at the server, and of each consumer group one
    subscriber gets a message; `publish_batch` reaches a batch subscriber as one list.
    """

    __test__ = False

    broker_class = KafkaBroker

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        bus = TopicBus()
        return [KafkaTestTransport(broker.transport, bus, make_record) for broker in brokers]
