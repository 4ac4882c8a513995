from anystream.kafka import KafkaBroker, TestKafkaBroker

broker = KafkaBroker("localhost:9092")
seen: list[str] = []


@broker.subscriber("orders", group_id="shop")
async def shop(item: str) -> None:
    seen.append(f"shop: {item}")


@broker.subscriber("orders", group_id="shop")
async def another_member(item: str) -> None:
    seen.append(f"shop: {item}")


@broker.subscriber("orders", batch=True)
async def report(items: list[str]) -> None:
    seen.append(f"report: {len(items)}")


async def test_groups() -> None:
    async with TestKafkaBroker(broker) as br:
        await br.publish_batch("tea", "jam", topic="orders")
    assert sorted(seen) == ["report: 2", "shop: jam", "shop: tea"]
