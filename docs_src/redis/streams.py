from anystream.core import AckPolicy
from anystream.redis import RedisBroker, RedisStreamMessage, StreamSub

broker = RedisBroker("redis://localhost:6379")
handled: list[tuple[str, str]] = []


@broker.subscriber(stream="docs:log")
async def everybody(text: str) -> None:
    """Without a group: each reader gets all messages from now on."""
    handled.append(("everybody", text))


orders = StreamSub(
    "docs:orders",
    group="billing",
    consumer="billing-1",  # each process has its own name
    group_start="0",  # a new group begins at the beginning of the stream
)


@broker.subscriber(stream=orders)
async def bill(item: str) -> None:
    """Of the consumers of a group one gets each message; acknowledged when this returns."""
    handled.append(("bill", item))


shipping = StreamSub(
    "docs:orders", group="shipping", consumer="shipping-1", claim_min_idle_time=200
)


@broker.subscriber(stream=shipping, ack_policy=AckPolicy.NACK_ON_ERROR, max_workers=4)
async def ship(item: str, message: RedisStreamMessage) -> None:
    """What failed, or was in the hands of a consumer that died, comes again after 0.2 s."""
    if item == "heavy" and await message.get_delivery_count() < 2:
        raise ValueError("not today")
    handled.append(("ship", item))
