from anystream.nats import NatsBroker, TestNatsBroker

broker = NatsBroker("nats://localhost:4222")


@broker.subscriber("price.*", kv_watch="PRICES")
async def price(value: float) -> None: ...


async def test_watch() -> None:
    async with TestNatsBroker(broker) as br:
        await br.publish(4.5, "price.tea")  # a change of the key `price.tea`
        price.mock.assert_called_once_with(4.5)
