from anystream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue

broker = RabbitBroker("amqp://guest:guest@localhost:5672/")
read: list[int] = []

events = RabbitQueue("docs.events", QueueType.STREAM, arguments={"x-max-age": "1D"})


@broker.subscriber(
    events,
    consume_args={"x-stream-offset": "first"},
    channel=Channel(prefetch_count=100),
    max_workers=1,  # in order
)
async def event(number: int) -> None:
    read.append(number)
