from anystream.core import AckPolicy
from anystream.kafka import KafkaBroker, KafkaMessage

broker = KafkaBroker("localhost:9092", transactional_id="docs-billing-1")
broker.publisher("docs.bills")
broker.publisher("docs.mails")


@broker.subscriber(
    "docs.sales",
    group_id="docs-billing",
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.NACK_ON_ERROR,
)
async def bill(sale: str, message: KafkaMessage) -> None:
    async with broker.transaction() as transaction:
        await broker.publish(f"bill for {sale}", "docs.bills")
        await broker.publish(f"thanks for {sale}", "docs.mails")
        await transaction.ack(message)  # this offset, and both messages: all or none
