"""What the harnesses of both Kafka clients share; everything in here uses confluent-kafka as the
bare client, which blocks, so it runs in threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import strategies as st

from anystream.core import AckPolicy
from tests.broker_probes import TARGETS
from tests.brokers.harness import Can, Fate, Harness

POOL = 60  # topics made by one call


def server() -> dict[str, str]:
    """Where Kafka is."""
    return {"bootstrap.servers": TARGETS["kafka"].url}


def _known(admin: AdminClient, names: list[str]) -> bool:
    """Whether every topic can be read: it is in the metadata, and its partition has a leader."""
    topics = admin.list_topics(timeout=10).topics
    partitions = [topics[name].partitions.get(0) for name in names if name in topics]
    return len(partitions) == len(names) and all(
        partition is not None and partition.leader >= 0 for partition in partitions
    )


class KafkaHarness(Harness):
    """Topics read alone and topics read by groups."""

    kinds = ("topic", "group")
    settling = ("group",)
    group_kind = "group"
    pattern_kind = "pattern"
    publisher_argument = "topic"
    # messages of one partition are handled in order
    unordered: ClassVar = {"ack_policy": AckPolicy.ACK_FIRST}
    closed: ClassVar[Mapping[Can, str]] = {
        Can.NOTICE_NOBODY: "a topic takes messages whether anybody reads it or not",
    }
    fates: ClassVar = {
        "ack": Fate.DONE,
        "nack": Fate.AGAIN,
        "reject": Fate.DONE,
        "nothing": Fate.KEPT,
    }
    fate_words: ClassVar = {
        "ack": "its offset is committed",
        "nack": "`seek`: the partition is read again from this message on",
        "reject": "its offset is committed",
        "nothing": "comes again to the next consumer, unless a later message of its partition is "
        "acknowledged by a policy other than `MANUAL`",
    }

    def __init__(self) -> None:
        self._made: list[str] = []
        self._free: list[str] = []
        self._answers = ""

    def broker(self, **options: Any) -> Any:
        url = TARGETS["kafka"].url
        return self.broker_class(url, **{"reply_topic": self.answers(), **options})

    def broker_nowhere(self, **options: Any) -> Any:
        return self.broker_class("127.0.0.1:1", **options)

    def source_of(
        self, address: str, kind: str, **options: Any
    ) -> tuple[list[Any], dict[str, Any]]:
        found = self.source(address, kind, **options)
        return ([], {"pattern": address, **found}) if kind == "pattern" else ([address], found)

    def soon_of(self, address: str, kind: str, group: str) -> tuple[list[Any], dict[str, Any]]:
        return self.source_of(address, kind, group=group)

    def answers(self) -> str:
        """The topic for answers to requests; one for the whole run."""
        if not self._answers:
            self._answers = self.new_address()
        return self._answers

    def new_address(self) -> str:
        if not self._free:
            self._free = [super(KafkaHarness, self).new_address() for _ in range(POOL)]
            self._make(self._free)
        return self._free.pop(0)

    def _make(self, names: list[str]) -> None:
        self._made += names
        admin = AdminClient(server())
        for future in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
            future.result()
        while not _known(admin, names):  # the controller has made them, the broker hears of it
            time.sleep(0.02)

    async def ensure(self, *addresses: str) -> None:
        missing = [name for name in addresses if name not in self._made]
        await asyncio.to_thread(self._make, missing)

    async def clean(self) -> None:
        def delete() -> None:
            admin = AdminClient(server())
            for future in (admin.delete_topics(self._made) if self._made else {}).values():
                future.result()

        await asyncio.to_thread(delete)

    async def publish_refused(self, broker: Any, address: str) -> Any:
        return await broker.publish(b"x" * 2_000_000, address)

    async def send_foreign(
        self, data: bytes, address: str, kind: str, headers: Mapping[str, str]
    ) -> None:
        def send() -> None:
            producer = Producer(server())
            producer.produce(address, data, headers=dict(headers) or None)
            producer.flush(10)

        await asyncio.to_thread(send)

    async def left(self, address: str, kind: str, group: str) -> int:
        def count() -> int:
            consumer: Any = Consumer({**server(), "group.id": group})
            try:
                (at,) = consumer.committed([TopicPartition(address, 0)], timeout=10)
                low, high = consumer.get_watermark_offsets(TopicPartition(address, 0), timeout=10)
                return int(high - max(at.offset, low))
            finally:
                consumer.close()

        return await asyncio.to_thread(count)

    def why_closed(self, can: Can, mode: str, kind: str) -> str | None:
        if can is Can.NOTICE_NOBODY and mode == "test":
            return None  # the test broker knows who reads
        return super().why_closed(can, mode, kind)

    def patterns(self, root: str) -> st.SearchStrategy[str]:
        parts = st.lists(st.sampled_from(["a", "b", "[ab]", "a+", ".*", "x?"]), max_size=3)
        return parts.map(lambda found: r"\.".join([root.replace(".", r"\."), *found]))

    def concrete(self, root: str) -> st.SearchStrategy[str]:
        parts = st.lists(st.sampled_from(["a", "b", "aa", "ab", "x"]), min_size=1, max_size=3)
        return parts.map(lambda found: ".".join([root, *found]))
