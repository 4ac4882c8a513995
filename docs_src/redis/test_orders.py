from anystream.redis import TestRedisBroker
from docs_src.redis.streams import bill, broker


async def test_orders() -> None:
    async with TestRedisBroker(broker):
        await broker.publish("tea", stream="docs:orders")
        bill.mock.assert_called_once_with("tea")
