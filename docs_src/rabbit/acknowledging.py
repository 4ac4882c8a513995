from anystream.core import AckPolicy
from anystream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

broker = RabbitBroker("amqp://guest:guest@localhost:5672/")
done: list[str] = []


@broker.subscriber(
    RabbitQueue("docs.tasks", auto_delete=True),
    channel=Channel(prefetch_count=20),  # so many are handled at once
    ack_policy=AckPolicy.MANUAL,
)
async def task(name: str, message: RabbitMessage) -> None:
    if name == "broken":
        await message.reject()  # to the dead letter exchange, if there is one
    elif name == "later" and not message.raw_message.redelivered:
        await message.nack()  # again, at once
    else:
        done.append(name)
        await message.ack()
