from anystream.nats import TestNatsBroker
from docs_src.readme.stream import broker, invoice


async def test_invoice() -> None:
    async with TestNatsBroker(broker) as br:
        await br.publish({"item": "tea", "price": 4.5}, "orders")
        invoice.mock.assert_called_once_with({"item": "tea", "price": 4.5})
