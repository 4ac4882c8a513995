"""The embedded broker."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st

from anystream.core import Response
from anystream.memory import (
    Bus,
    MemoryBroker,
    MemoryPublisher,
    MemoryRoute,
    MemoryRouter,
    TestMemoryBroker,
)
from anystream.memory.annotations import MemoryMessage
from anystream.memory.message import MemoryMessage as MessageClass
from tests.brokers.harness import Can, Fate, Harness
from tests.brokers.subjects import concrete_subjects, subject_patterns

NO_SERVER = "it lives in this process: there is no server and no other client"


class MemoryHarness(Harness):
    name = "memory"
    kinds = ("subject",)
    settling = ("subject",)
    closed: ClassVar = {
        Can.PUBLISH_BATCH: "it has no `publish_batch`: a publish costs no round trip",
        Can.FOREIGN: NO_SERVER,
        Can.FOREIGN_HEADERS: NO_SERVER,
        Can.REFUSE: "it takes every message",
        Can.SERVER: NO_SERVER,
        Can.NEXT: "what waits or is in hand ends with its subscriber",
        Can.KEEP: "nothing is kept for subscribers that come later",
    }
    fates: ClassVar = {**Harness.fates, "nothing": Fate.DONE}
    fate_words: ClassVar = {
        "ack": "done",
        "nack": "delivered again, after `delay` seconds (0 by default)",
        "reject": "forgotten",
        "nothing": "forgotten",
    }

    broker_class = MemoryBroker
    router_class = MemoryRouter
    route_class = MemoryRoute
    route_publisher_class = MemoryPublisher
    test_class = TestMemoryBroker
    response_class = Response
    message_class = MessageClass
    message = MemoryMessage
    publisher_argument = "subject"

    def broker(self, **options: Any) -> MemoryBroker:
        return MemoryBroker(**options)

    def brokers(self, count: int, **options: Any) -> list[Any]:
        bus = Bus()
        return [MemoryBroker(bus, **options) for _ in range(count)]

    def source(
        self, address: str, kind: str, *, group: str | None = None, batch: bool = False
    ) -> dict[str, Any]:
        return {"subject": address, "queue": group or "", **({"batch": True} if batch else {})}

    async def left(self, address: str, kind: str, group: str) -> int:
        return 0

    def patterns(self, root: str) -> st.SearchStrategy[str]:
        return subject_patterns(root)

    def concrete(self, root: str) -> st.SearchStrategy[str]:
        return concrete_subjects(root)


HARNESS = MemoryHarness()
