from datetime import timedelta
from typing import Any

from anystream.rabbit import Channel, RabbitBroker, RabbitQueue, RabbitResponse
from anystream.rabbit.errors import MessageReturned

broker = RabbitBroker(
    "amqp://guest:guest@localhost:5672/",
    default_channel=Channel(on_return_raises=True),
)
urgent = RabbitQueue("docs.urgent", auto_delete=True, arguments={"x-max-priority": 10})
results = RabbitQueue("docs.results", auto_delete=True)
handled: list[Any] = []


@broker.subscriber(urgent)
@broker.publisher(results, persist=True)
async def work(name: str) -> RabbitResponse:
    return RabbitResponse(name.upper(), expiration=timedelta(minutes=5), headers={"from": "work"})


@broker.subscriber(results)
async def result(name: str) -> None:
    handled.append(name)


async def main() -> list[Any]:
    await broker.start()
    await broker.publish("tea", urgent, priority=9, persist=True)
    answer = await broker.request("milk", urgent, timeout=5.0)
    seen = [await answer.decode()]
    try:
        await broker.publish("lost", "docs.nobody-reads-this")
    except MessageReturned as error:
        seen.append(type(error).__name__)
    return seen
