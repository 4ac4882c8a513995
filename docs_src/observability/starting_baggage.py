from anystream.nats import NatsBroker
from anystream.opentelemetry import Baggage


async def order(broker: NatsBroker, user: str) -> None:
    headers = Baggage({"user": user}).to_headers({"tenant": "eu"})
    await broker.publish("tea", "orders", headers=headers)
