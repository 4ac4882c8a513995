from anystream.core.publish_policy import RetryPolicy
from anystream.redis import Pipeline, RedisBroker, RedisResponse, StreamSub
from anystream.redis.exceptions import NobodyListens

broker = RedisBroker("redis://localhost:6379", publish_retry=RetryPolicy(attempts=5))
log = broker.publisher(stream=StreamSub("docs:audit", maxlen=10_000))


@log
@broker.subscriber("docs.price")
async def price(item: str) -> RedisResponse:
    return RedisResponse({"item": item, "price": 4.5}, headers={"x-currency": "EUR"})


@broker.subscriber("docs.import")
async def load(items: list[str], pipe: Pipeline) -> int:
    """The commands go to the server together."""
    for item in items:
        await broker.publish(item, list="docs:items", pipeline=pipe)
    return len(await pipe.execute())


async def main() -> list[object]:
    seen: list[object] = []
    await broker.start()
    try:
        answer = await broker.request("tea", "docs.price", timeout=3.0)
        seen += [await answer.decode(), answer.headers["x-currency"]]
        answer = await broker.request(["a", "b"], "docs.import", timeout=3.0)
        seen.append(await answer.decode())
        try:
            await broker.request("tea", "docs.nobody", timeout=3.0)
        except NobodyListens as error:  # a TimeoutError, but at once
            seen.append(type(error).__name__)
    finally:
        await broker.stop()
    return seen
