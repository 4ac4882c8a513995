from anystream.core import AckPolicy
from anystream.kafka import KafkaBroker, KafkaMessage

broker = KafkaBroker("localhost:9092")
done: list[str] = []


@broker.subscriber(
    "docs.jobs",
    group_id="docs-workers",
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.MANUAL,
)
async def job(name: str, message: KafkaMessage) -> None:
    done.append(name)
    if name == "later" and done.count(name) == 1:
        await message.nack()  # the partition is read again from this message on
    else:
        await message.ack()  # committed when this returns
