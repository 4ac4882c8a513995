from anystream.core import Depends
from anystream.memory import MemoryBroker, TestMemoryBroker

broker = MemoryBroker()
invoices = broker.publisher("invoices", headers={"x-service": "shop"})


async def rate() -> float:
    raise ConnectionError("asks a service that tests do not have")


@broker.subscriber("orders")
@invoices
async def order(price: float, rate: float = Depends(rate)) -> float:
    return price * (1 + rate)


async def no_tax() -> float:
    return 0.0


async def test_with_a_replaced_dependency() -> None:
    async with TestMemoryBroker(broker) as br:
        with broker.provider.scope(rate, no_tax):
            await br.publish(10.0, "orders", headers={"x-trace": "7"})
        await order.assert_called_once_with(10.0, headers={"x-trace": "7"})
        invoices.mock.assert_called_once_with(10.0)


async def test_request() -> None:
    async with TestMemoryBroker(broker) as br:
        with broker.provider.scope(rate, no_tax):
            answer = await br.request(2.0, "orders")
        assert await answer.decode() == 2.0
