from anystream.rabbit import (
    ExchangeType,
    RabbitBroker,
    RabbitExchange,
    RabbitQueue,
    TestRabbitBroker,
)

broker = RabbitBroker("amqp://guest:guest@localhost:5672/")
logs = RabbitExchange("logs", ExchangeType.TOPIC)


@broker.subscriber(RabbitQueue("errors", routing_key="logs.#.error"), logs)
async def error(text: str) -> None: ...


async def test_topics() -> None:
    async with TestRabbitBroker(broker) as br:
        await br.publish("disk full", routing_key="logs.eu.db.error", exchange=logs)
        error.mock.assert_called_once_with("disk full")
