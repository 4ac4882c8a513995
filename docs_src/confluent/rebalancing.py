from typing import Any

from anystream.confluent import KafkaBroker

broker = KafkaBroker("localhost:9092")
caches: dict[tuple[str, int], list[str]] = {}


def came(consumer: Any, partitions: list[Any]) -> None:
    for each in partitions:
        caches[each.topic, each.partition] = []


def go(consumer: Any, partitions: list[Any]) -> None:
    for each in partitions:  # their handlers have ended, their offsets are committed
        caches.pop((each.topic, each.partition), None)


@broker.subscriber("shop.clicks", group_id="shop-clicks", on_assign=came, on_revoke=go)
async def click(page: str) -> None: ...
