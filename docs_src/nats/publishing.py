from anystream.core.exceptions import PublishError
from anystream.nats import JStream, NatsBroker, NatsResponse
from anystream.nats.errors import NoResponders

broker = NatsBroker("nats://localhost:4222")
stream = JStream("DOCS_LOG", max_age=3600.0)
entries = broker.publisher("docs.log.entries", stream=stream)


@broker.subscriber("docs.price")
async def price(item: str) -> NatsResponse:
    return NatsResponse({"item": item, "price": 4.5}, headers={"x-currency": "EUR"})


async def main() -> list[object]:
    seen: list[object] = []
    await broker.start()
    try:
        stored = await entries.publish({"text": "hello"})  # waits until the stream has it
        seen.append(stored.stream)
        answer = await broker.request("tea", "docs.price", timeout=1.0)
        seen += [await answer.decode(), answer.headers["x-currency"]]
        try:
            await broker.request("tea", "docs.nobody", timeout=1.0)
        except NoResponders as error:
            seen.append(type(error).__name__)
        try:
            await broker.publish(object(), "docs.log.entries")
        except PublishError as error:
            seen.append(type(error).__name__)
    finally:
        await broker.stop()
    return seen
