from anystream.core import Response
from anystream.memory import MemoryBroker

broker = MemoryBroker()
results = broker.publisher("results", headers={"x-service": "shop"})


@broker.subscriber("orders")
@results
async def order(price: float) -> Response:
    """Headers travel in a `Response`; a plain value is published as it is."""
    return Response({"total": price * 1.2}, headers={"x-taxed": "yes"})


@broker.subscriber("double")
async def double(number: int) -> int:
    """What a handler returns also answers a request."""
    return number * 2


async def main() -> None:
    await broker.start()
    await broker.publish(10.0, "orders", headers={"x-trace": "1"})
    await results.publish({"total": 0.0})
    answer = await broker.request(21, "double", timeout=1.0)
    print(await answer.decode())  # 42
    await broker.stop()
