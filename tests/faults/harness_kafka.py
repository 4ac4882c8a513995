"""Kafka through its two clients: a group that reads a topic from the beginning."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.faults.harness import Deletion, FaultHarness, Handler

# so that a member that was killed is missed within the ten seconds of the goal
GROUP: dict[str, Any] = {
    "group_id": "group",
    "auto_offset_reset": "earliest",
    "session_timeout_ms": 3000,
    "heartbeat_interval_ms": 500,
}


SAME_NAME = (
    "a group's offsets do not know that a new topic of the same name is another one: what is "
    "published to it before the consumer has noticed may count as read already"
)


async def disturb_group(url: str, address: str) -> None:
    """A member that takes half of the partitions, commits nothing and leaves."""
    member = AIOKafkaConsumer(
        address,
        bootstrap_servers=url,
        group_id=f"{GROUP['group_id']}-{address}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await member.start()
    try:
        await asyncio.wait_for(member.getone(), 5.0)
    except asyncio.TimeoutError:
        pass
    finally:
        await member.stop()


async def delete_topic(url: str, address: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=url)
    await admin.start()
    try:
        await admin.delete_topics([address])
    finally:
        await admin.close()


class Aiokafka(FaultHarness):
    name = "kafka"
    package: ClassVar = "anystream.kafka"
    watchful: ClassVar[dict[str, Any]] = {"request_timeout_ms": 2000}
    most_attempts = 60  # each of the client's parts tries every 0.1 s (retry_backoff_ms)
    deletions: ClassVar = {
        "membership": Deletion(disturb_group),
        "topic": Deletion(delete_topic, with_messages=True, no_promise=SAME_NAME),
    }

    def broker(self, url: str, logger: Any, *, watchful: bool = False, **options: Any) -> Any:
        options |= self.watchful if watchful else {}
        return import_module(self.package).KafkaBroker(url, logger=logger, **options)

    def subscribe(self, broker: Any, address: str, handler: Handler) -> None:
        group = {**GROUP, "group_id": f"{GROUP['group_id']}-{address}"}
        broker.subscriber(address, **group)(handler)

    async def publish(self, broker: Any, address: str, number: int) -> None:
        await broker.publish(number, address)

    async def prepare(self, broker: Any, address: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.specification.url[0])
        await admin.start()
        try:
            await admin.create_topics([NewTopic(address, 2, 1)])
        finally:
            await admin.close()


class Confluent(Aiokafka):
    name = "confluent"
    package: ClassVar = "anystream.confluent"
    watchful: ClassVar[dict[str, Any]] = {"config": {"socket.timeout.ms": 2000}}
