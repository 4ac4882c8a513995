"""Kafka by aiokafka: topics, groups and patterns."""

from __future__ import annotations

from typing import Any

from aiokafka.errors import RequestTimedOutError

from anystream.kafka import (
    KafkaBroker,
    KafkaPublisher,
    KafkaResponse,
    KafkaRoute,
    KafkaRouter,
    TestKafkaBroker,
)
from anystream.kafka.annotations import KafkaMessage
from anystream.kafka.errors import DeliveryTimeout
from anystream.kafka.message import KafkaMessage as MessageClass
from tests.brokers.kafka_harness import KafkaHarness


class AiokafkaHarness(KafkaHarness):
    name = "kafka"

    broker_class = KafkaBroker
    router_class = KafkaRouter
    route_class = KafkaRoute
    route_publisher_class = KafkaPublisher
    test_class = TestKafkaBroker
    response_class = KafkaResponse
    message_class = MessageClass
    message = KafkaMessage

    def away(self) -> Exception:
        return DeliveryTimeout("no answer", RequestTimedOutError())

    def source(
        self, address: str, kind: str, *, group: str | None = None, batch: bool = False
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"auto_offset_reset": "earliest", "fetch_max_wait_ms": 100}
        if group or kind == "group":
            # a member that is already there hears of the next one by its heartbeat
            found.update(group_id=group or f"{address}-own", heartbeat_interval_ms=100)
        if batch:
            found.update(batch=True, max_records=10, batch_timeout_ms=200)
        return found


HARNESS = AiokafkaHarness()
