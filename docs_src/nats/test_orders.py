from anystream.nats import JStream, NatsBroker, TestNatsBroker

broker = NatsBroker("nats://localhost:4222")
stream = JStream("ORDERS")


@broker.subscriber("orders.*", stream=stream)
async def order(item: str) -> str:
    return item.upper()


async def test_stream() -> None:
    async with TestNatsBroker(broker) as br:
        await br.publish("tea", "orders.new", stream="ORDERS")
        await br.publish("tea", "orders.new", stream="OTHER")
        order.mock.assert_called_once_with("tea")
