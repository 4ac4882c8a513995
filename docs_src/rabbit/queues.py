from anystream.rabbit import QueueType, RabbitBroker, RabbitQueue

broker = RabbitBroker("amqp://guest:guest@localhost:5672/")
handled: list[tuple[str, str]] = []

failed = RabbitQueue("docs.failed")
jobs = RabbitQueue(
    "docs.jobs",
    QueueType.QUORUM,
    arguments={
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": failed.name,
        "x-message-ttl": 60_000,  # milliseconds
    },
)


@broker.subscriber(jobs, max_workers=5)
async def job(name: str) -> None:
    if name == "broken":
        raise ValueError(name)  # rejected, so it goes to the dead letter queue
    handled.append(("job", name))


@broker.subscriber(failed)
async def bury(name: str) -> None:
    handled.append(("failed", name))
