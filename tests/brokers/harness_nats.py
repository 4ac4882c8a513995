"""NATS: core subjects, and streams that push or are pulled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import nats
from hypothesis import strategies as st
from nats.js.errors import NotFoundError

from anystream.core.exceptions import BrokerConnectionError
from anystream.nats import (
    ConsumerConfig,
    JStream,
    NatsBroker,
    NatsPublisher,
    NatsResponse,
    NatsRoute,
    NatsRouter,
    PullSub,
    StorageType,
    TestNatsBroker,
)
from anystream.nats.annotations import NatsMessage
from anystream.nats.message import NatsMessage as MessageClass
from tests.broker_probes import TARGETS
from tests.brokers.harness import Can, Harness
from tests.brokers.subjects import concrete_subjects, subject_patterns


class NatsHarness(Harness):
    name = "nats"
    kinds = ("core", "push", "pull")
    settling = ("push", "pull")
    batch_kind = "pull"
    closed: ClassVar = {Can.PUBLISH_BATCH: "NATS has no publishing of several messages at once"}
    closed_kinds: ClassVar = {"core": {Can.KEEP: "core subjects keep nothing"}}
    fate_words: ClassVar = {
        "ack": "`ack`: done",
        "nack": "`nak`: delivered again, after `delay` seconds (0 by default)",
        "reject": "`term`: never delivered again",
        "nothing": "delivered again when its `ack_wait` (30 s) is over",
    }

    broker_class = NatsBroker
    router_class = NatsRouter
    route_class = NatsRoute
    route_publisher_class = NatsPublisher
    test_class = TestNatsBroker
    response_class = NatsResponse
    message_class = MessageClass
    message = NatsMessage
    publisher_argument = "subject"

    def __init__(self) -> None:
        self._streams: set[str] = set()

    def broker(self, **options: Any) -> NatsBroker:
        return NatsBroker(TARGETS["nats"].url, **options)

    def broker_nowhere(self, **options: Any) -> NatsBroker:
        return NatsBroker("nats://127.0.0.1:1", **options)

    def _stream(self, address: str) -> str:
        name = address.replace(".", "-")
        self._streams.add(name)
        return name

    def source(
        self, address: str, kind: str, *, group: str | None = None, batch: bool = False
    ) -> dict[str, Any]:
        if kind == "core":
            return {"subject": address, "queue": group or ""}
        name = self._stream(address)
        stream = JStream(name, subjects=[address], storage=StorageType.MEMORY)
        found: dict[str, Any] = {"subject": address, "stream": stream}
        if group:
            found["durable"] = group
        if kind == "pull":
            found["pull_sub"] = PullSub(10, timeout=0.2, batch=True) if batch else PullSub(1)
        elif group:
            found["queue"] = group
        return found

    def source_soon(self, address: str, kind: str, group: str) -> dict[str, Any]:
        config = ConsumerConfig(ack_wait=0.5)
        return {**self.source(address, kind, group=group), "config": config}

    def target(self, address: str, kind: str) -> dict[str, Any]:
        if kind == "core":
            return {"subject": address}
        return {"subject": address, "stream": self._stream(address)}

    def away(self) -> Exception:
        return BrokerConnectionError("away")

    async def publish_refused(self, broker: NatsBroker, address: str) -> Any:
        return await broker.publish(b"x" * 2_000_000, address)

    async def send_foreign(
        self, data: bytes, address: str, kind: str, headers: Mapping[str, str]
    ) -> None:
        client = await nats.connect(TARGETS["nats"].url)
        try:
            await client.publish(address, data, headers=dict(headers) or None)
            await client.flush()
        finally:
            await client.close()

    async def left(self, address: str, kind: str, group: str) -> int:
        client = await nats.connect(TARGETS["nats"].url)
        try:
            info = await client.jetstream().consumer_info(self._stream(address), group)
            return (info.num_ack_pending or 0) + (info.num_pending or 0)
        finally:
            await client.close()

    async def clean(self) -> None:
        if not self._streams:
            return
        client = await nats.connect(TARGETS["nats"].url)
        try:
            for name in self._streams:
                with suppress(NotFoundError):
                    await client.jetstream().delete_stream(name)
        finally:
            await client.close()

    def patterns(self, root: str) -> st.SearchStrategy[str]:
        return subject_patterns(root)

    def concrete(self, root: str) -> st.SearchStrategy[str]:
        return concrete_subjects(root)


HARNESS = NatsHarness()
