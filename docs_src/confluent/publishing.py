from anystream.confluent import KafkaBroker, KafkaResponse, Topic
from anystream.core.exceptions import PublishError

broker = KafkaBroker("localhost:9092")
prices = broker.publisher(Topic("shop.prices", num_partitions=1), headers={"x-currency": "EUR"})


async def main() -> list[object]:
    seen: list[object] = []
    await broker.start()
    try:
        stored = await prices.publish({"price": 4.5}, key="tea")  # waits until the server has it
        seen.append((stored.topic(), stored.offset()))
        future = await prices.publish({"price": 4.6}, key="tea", no_confirm=True)
        await prices.flush()
        seen.append((await future).offset())
        await broker.publish_batch(
            KafkaResponse({"price": 5.0}, key="tea"),
            KafkaResponse({"price": 2.0}, key="jam"),
            topic="shop.prices",
        )
        try:
            await broker.publish(b"x" * 2_000_000, "shop.prices")
        except PublishError as error:
            seen.append(type(error).__name__)
    finally:
        await broker.stop()
    return seen
