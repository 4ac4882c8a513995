from anystream.confluent import KafkaBroker, Topic, TopicPartition
from anystream.core import Path

broker = KafkaBroker("localhost:9092")
handled: list[tuple[str, object]] = []

orders = Topic("shop.orders", num_partitions=3, config={"retention.ms": "3600000"})


@broker.subscriber(orders, group_id="shop-shop", auto_offset_reset="earliest", max_workers=3)
async def order(item: str) -> None:
    handled.append(("group", item))


@broker.subscriber(partitions=[TopicPartition("shop.orders", 0, offset=0)], group_id="shop-first")
async def first_partition(item: str) -> None:
    handled.append(("partition 0", item))


@broker.subscriber(
    pattern=r"shop\.audit\.{who}", group_id="shop-audit", auto_offset_reset="earliest"
)
async def audit(text: str, who: str = Path()) -> None:
    handled.append((who, text))


@broker.subscriber(
    "shop.orders",
    group_id="shop-report",
    auto_offset_reset="earliest",
    batch=True,
    max_records=100,
    polling_interval=0.2,
)
async def all_orders(items: list[str]) -> None:
    handled.append(("batch", len(items)))
