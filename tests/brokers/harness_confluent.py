"""Kafka by confluent-kafka: topics, groups and patterns."""

from __future__ import annotations

import itertools
from typing import Any

from confluent_kafka import KafkaError

from anystream.confluent import (
    KafkaBroker,
    KafkaPublisher,
    KafkaResponse,
    KafkaRoute,
    KafkaRouter,
    TestKafkaBroker,
)
from anystream.confluent.annotations import KafkaMessage
from anystream.confluent.errors import DeliveryTimeout
from anystream.confluent.message import KafkaMessage as MessageClass
from tests.brokers.kafka_harness import KafkaHarness

_groups = itertools.count(1)


class ConfluentHarness(KafkaHarness):
    name = "confluent"

    broker_class = KafkaBroker
    router_class = KafkaRouter
    route_class = KafkaRoute
    route_publisher_class = KafkaPublisher
    test_class = TestKafkaBroker
    response_class = KafkaResponse
    message_class = MessageClass
    message = KafkaMessage

    def away(self) -> Exception:
        return DeliveryTimeout(KafkaError(KafkaError._MSG_TIMED_OUT), "no answer")

    def source(
        self, address: str, kind: str, *, group: str | None = None, batch: bool = False
    ) -> dict[str, Any]:
        # this client always has a group: one of its own stands for none
        own = f"{address}-own" if kind == "group" else f"{address}-{next(_groups)}"
        found: dict[str, Any] = {
            "group_id": (group or own).translate({ord(c): "_" for c in "{}[]*^|()+?\\"}),
            "auto_offset_reset": "earliest",
            "fetch_max_wait_ms": 100,
            # a member that is already there hears of the next one by its heartbeat
            "heartbeat_interval_ms": 100,
        }
        if batch:
            found.update(batch=True, max_records=10, polling_interval=0.2)
        return found


HARNESS = ConfluentHarness()
