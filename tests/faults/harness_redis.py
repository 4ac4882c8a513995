"""Redis: channels, lists, and streams with a group."""

from __future__ import annotations

from typing import Any, ClassVar

from redis.asyncio import Redis

from anystream.redis import ListSub, RedisBroker, StreamSub
from tests.faults.harness import Deletion, FaultHarness, Handler


class Channel(FaultHarness):
    name = "redis-channel"
    kept = False
    why_not_kept = "pub/sub hands a message to those who listen right now and keeps nothing"

    def broker(
        self, url: str, logger: Any, *, watchful: bool = False, **options: Any
    ) -> RedisBroker:
        options |= {"socket_timeout": 2.0} if watchful else {}
        return RedisBroker(url, logger=logger, **options)

    def subscribe(self, broker: RedisBroker, address: str, handler: Handler) -> None:
        broker.subscriber(address)(handler)

    async def publish(self, broker: RedisBroker, address: str, number: int) -> None:
        await broker.publish(number, address)


class List(Channel):
    name = "redis-list"
    why_not_kept = "a message is gone from its list as soon as the server hands it out"
    in_hand = 1

    def subscribe(self, broker: RedisBroker, address: str, handler: Handler) -> None:
        broker.subscriber(list=ListSub(address))(handler)

    async def publish(self, broker: RedisBroker, address: str, number: int) -> None:
        await broker.publish(number, list=address)


async def delete_group(url: str, address: str) -> None:
    async with Redis.from_url(url) as client:
        await client.xgroup_destroy(address, "group")


async def delete_stream(url: str, address: str) -> None:
    async with Redis.from_url(url) as client:
        await client.delete(address)


class Stream(Channel):
    name = "redis-stream"
    kept = True
    why_not_kept = ""
    deletions: ClassVar = {
        "group": Deletion(delete_group),
        "stream": Deletion(delete_stream, with_messages=True),
    }

    def subscribe(self, broker: RedisBroker, address: str, handler: Handler) -> None:
        source = StreamSub(address, group="group", consumer="consumer", group_start="0")
        broker.subscriber(stream=source)(handler)

    async def publish(self, broker: RedisBroker, address: str, number: int) -> None:
        await broker.publish(number, stream=address)
