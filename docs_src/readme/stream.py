from pydantic import BaseModel

from anystream.core import FastStream
from anystream.nats import NatsBroker


class Order(BaseModel):
    item: str
    price: float


broker = NatsBroker("nats://localhost:4222")
stream = FastStream(broker)


@broker.subscriber("orders")
@broker.publisher("invoices")
async def invoice(order: Order) -> dict[str, float]:
    return {order.item: order.price}
