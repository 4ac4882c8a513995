from typing import Annotated

from pydantic import BaseModel

from anystream.core import AckPolicy, Depends, Header
from anystream.memory import MemoryBroker


class Order(BaseModel):
    item: str
    price: float


async def tax() -> float:
    return 0.2


broker = MemoryBroker()
orders = broker.subscriber("orders", ack_policy=AckPolicy.NACK_ON_ERROR)


@orders
@broker.publisher("invoices")
async def invoice(
    order: Order,
    rate: Annotated[float, Depends(tax)],
    trace: Annotated[str, Header("x-trace")],
) -> float:
    return order.price * (1 + rate)


if __name__ == "__main__":
    print(orders.explain())
