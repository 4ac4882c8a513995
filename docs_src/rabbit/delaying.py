from anystream.rabbit import RabbitBroker, RabbitQueue

broker = RabbitBroker("amqp://guest:guest@localhost:5672/")
reminded: list[str] = []

# Nobody reads this queue: what is too old in it goes on to the other one.
waiting = RabbitQueue(
    "docs.waiting",
    arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "docs.reminders"},
)


@broker.subscriber("docs.reminders")
async def remind(text: str) -> None:
    reminded.append(text)


async def later(text: str, seconds: float) -> None:
    await broker.declare_queue(waiting)
    await broker.publish(text, waiting, expiration=seconds)
