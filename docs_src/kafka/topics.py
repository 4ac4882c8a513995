from anystream.core import Path
from anystream.kafka import KafkaBroker, Topic, TopicPartition

broker = KafkaBroker("localhost:9092")
handled: list[tuple[str, object]] = []

orders = Topic("docs.orders", num_partitions=3, config={"retention.ms": "3600000"})


@broker.subscriber(orders, group_id="docs-shop", auto_offset_reset="earliest", max_workers=3)
async def order(item: str) -> None:
    handled.append(("group", item))


@broker.subscriber(partitions=[TopicPartition("docs.orders", 0)], auto_offset_reset="earliest")
async def first_partition(item: str) -> None:
    handled.append(("partition 0", item))


@broker.subscriber(pattern=r"docs\.audit\.{who}", auto_offset_reset="earliest")
async def audit(text: str, who: str = Path()) -> None:
    handled.append((who, text))


@broker.subscriber(
    "docs.orders", auto_offset_reset="earliest", batch=True, max_records=100, batch_timeout_ms=200
)
async def all_orders(items: list[str]) -> None:
    handled.append(("batch", len(items)))
