"""Redis: channels, lists, streams, and streams that a group reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

import redis.asyncio
from hypothesis import strategies as st

from anystream.redis import (
    ListSub,
    RedisBroker,
    RedisPublisher,
    RedisResponse,
    RedisRoute,
    RedisRouter,
    StreamSub,
    TestRedisBroker,
)
from anystream.redis.annotations import RedisMessage
from anystream.redis.exceptions import ServerAway
from anystream.redis.message import RedisMessage as MessageClass
from tests.broker_probes import TARGETS
from tests.brokers.harness import RUN, Can, Fate, Harness

GLOBS = ["a", "b", "*", "?", "[ab]", "[^a]", "[a-c]", "[", "]", "\\*", "\\", "é"]
CHARS = ["a", "b", "c", "*", "é", "]", "[", "\\", "-"]


class RedisHarness(Harness):
    name = "redis"
    kinds = ("channel", "list", "stream", "group")
    settling = ("group",)
    group_kind = "group"
    batch_kind = "list"
    closed_kinds: ClassVar = {
        "channel": {Can.KEEP: "a channel reaches those who subscribe now"},
    }
    fates: ClassVar = {
        "ack": Fate.DONE,
        "nack": Fate.KEPT,
        "reject": Fate.KEPT,
        "nothing": Fate.KEPT,
    }
    fate_words: ClassVar = {
        "ack": "`XACK`: done",
        "nack": "stays pending in the group: for who claims it, or for this consumer's next start",
        "reject": "stays pending in the group, as after `nack`",
        "nothing": "stays pending in the group, as after `nack`",
    }

    broker_class = RedisBroker
    router_class = RedisRouter
    route_class = RedisRoute
    route_publisher_class = RedisPublisher
    test_class = TestRedisBroker
    response_class = RedisResponse
    message_class = MessageClass
    message = RedisMessage
    publisher_argument = "channel"

    def broker(self, **options: Any) -> RedisBroker:
        return RedisBroker(TARGETS["redis"].url, **options)

    def broker_nowhere(self, **options: Any) -> RedisBroker:
        return RedisBroker("redis://127.0.0.1:1", **options)

    def source(
        self, address: str, kind: str, *, group: str | None = None, batch: bool = False
    ) -> dict[str, Any]:
        if kind == "channel":
            return {"channel": address}
        if kind == "list":
            return {"list": ListSub(address, batch=batch)}
        if kind == "stream":
            return {"stream": StreamSub(address, last_id="0", batch=batch)}
        return {"stream": self._group(address, group, batch=batch)}

    def _group(self, address: str, group: str | None, **options: Any) -> StreamSub:
        return StreamSub(
            address,
            group=group or f"group-{uuid4().hex[:8]}",
            consumer=f"consumer-{uuid4().hex[:8]}",
            group_start="0",
            **options,
        )

    def source_soon(self, address: str, kind: str, group: str) -> dict[str, Any]:
        return {"stream": self._group(address, group, claim_min_idle_time=300)}

    def target(self, address: str, kind: str) -> dict[str, Any]:
        return {"stream" if kind == "group" else kind: address}

    def away(self) -> Exception:
        return ServerAway("away")

    async def publish_refused(self, broker: RedisBroker, address: str) -> Any:
        await broker.publish("x", stream=address)
        return await broker.publish("x", list=address)

    async def send_foreign(
        self, data: bytes, address: str, kind: str, headers: Mapping[str, str]
    ) -> None:
        if headers:
            data = json.dumps({"data": data.decode(), "headers": dict(headers)}).encode()
        async with redis.asyncio.from_url(TARGETS["redis"].url) as client:
            if kind == "channel":
                await client.publish(address, data)
            elif kind == "list":
                await client.rpush(address, data)
            else:
                await client.xadd(address, {"__data__": data})

    async def left(self, address: str, kind: str, group: str) -> int:
        async with redis.asyncio.from_url(TARGETS["redis"].url) as client:
            for found in await client.xinfo_groups(address):
                if found["name"] == group.encode():
                    return int(found["pending"]) + int(found["lag"] or 0)
        return 0

    async def clean(self) -> None:
        async with redis.asyncio.from_url(TARGETS["redis"].url) as client:
            async for key in client.scan_iter(f"anystream.{RUN}.*"):
                await client.delete(key)

    def patterns(self, root: str) -> st.SearchStrategy[str]:
        parts = st.lists(
            st.sampled_from(
                ["a", "b", "*", "?", "[ab]", "[^a]", "[a-c]", "[", "]", "\\*", "\\", "é"]
            ),
            max_size=5,
        )
        return parts.map(lambda found: f"{root}.{''.join(found)}*")

    def concrete(self, root: str) -> st.SearchStrategy[str]:
        parts = st.lists(
            st.sampled_from(["a", "b", "c", "*", "é", "]", "[", "\\", "-"]), max_size=5
        )
        return parts.map(lambda found: f"{root}.{''.join(found)}")


HARNESS = RedisHarness()
