from anystream.core import Path
from anystream.nats import NatsBroker, NatsMessage

broker = NatsBroker("nats://localhost:4222")


@broker.subscriber("shop.jobs", queue="workers")
async def job(number: int) -> None:
    """Of the members of a queue group one gets each message."""


@broker.subscriber("shop.orders.{country}.new")
async def order(item: str, country: str = Path()) -> str:
    """`{country}` is `*` at the server, and an argument here."""
    return f"{item} to {country}"


@broker.subscriber("shop.audit.>")
async def audit(body: object, message: NatsMessage) -> str:
    """`>` takes everything below."""
    return message.raw_message.subject
