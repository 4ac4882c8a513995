from anystream.core import Path
from anystream.redis import PubSub, RedisBroker, RedisMessage

broker = RedisBroker("redis://localhost:6379")


@broker.subscriber("docs.prices")
async def price(item: str) -> float:
    """A channel; the result goes to who asked."""
    return 4.5 if item == "tea" else 0.0


@broker.subscriber("docs.orders.{country}")
async def order(item: str, country: str = Path()) -> str:
    """`{country}` is `*` at the server, and an argument here."""
    return f"{item} to {country}"


@broker.subscriber(PubSub("docs.log.[ab]?", pattern=True))
async def log(text: str, message: RedisMessage) -> str:
    """A pattern as Redis has them."""
    return str(message.raw_message["channel"])
