"""Test mode for Kafka: no server, delivery in the caller's task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord

from anystream.core.testing import TestBroker
from anystream.core.transport import Transport
from anystream.kafka.broker import KafkaBroker
from anystream.kafka.fake_consumer import FakeConsumer
from anystream.kafka_common.records import is_tombstone, wire_headers, wire_key
from anystream.kafka_common.testing import KafkaTestTransport, TopicBus

if TYPE_CHECKING:
    from anystream.core.broker import Broker

__test__ = False


def make_record(
    command: Any, place: int | None, data: bytes, headers: dict[str, Any], offset: int
) -> ConsumerRecord[Any, Any]:
    """The client's record for a command, as the server would have sent it."""
    alone = place is None
    key = wire_key(command.key if place is None else command.key_for(place))
    # as `Sending` does it: in a batch there is no null value
    gone = alone and key is not None and is_tombstone(command.body, data)
    when = command.timestamp_ms if place is None else command.timestamp_for(place)
    return ConsumerRecord(
        topic=command.destination,
        partition=command.partition or 0,
        offset=offset,
        timestamp=when or int(time.time() * 1000),
        timestamp_type=0,
        key=key,
        value=None if gone else data,
        checksum=None,
        serialized_key_size=len(key) if isinstance(key, bytes) else -1,
        serialized_value_size=-1 if gone else len(data),
        headers=tuple(wire_headers(headers, command.reply_to, single=alone)),
    )


def _place_of(record: ConsumerRecord[Any, Any]) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


class TestKafkaBroker(TestBroker):
    """Test mode for Kafka, see `TestBroker`.

    Topics, patterns and explicit partitions work as at the server, and of each consumer group one
    subscriber gets a message; `publish_batch` reaches a batch subscriber as one list.
    """

    __test__ = False

    broker_class = KafkaBroker

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        bus = TopicBus()
        return [
            KafkaTestTransport(broker.transport, bus, make_record, FakeConsumer, _place_of)
            for broker in brokers
        ]
