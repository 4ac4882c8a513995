"""A plain router in a FastAPI application: NATS."""

from fastapi import FastAPI
from pydantic import BaseModel

from anystream.fastapi.nats import NatsRouter as StreamRouter
from anystream.nats import NatsRouter

orders = NatsRouter(prefix="shop-")


class Order(BaseModel):
    """What customers send."""

    item: str


@orders.subscriber("orders")
@orders.publisher("shipped")
async def ship(order: Order) -> str:
    return f"shipped {order.item}"


router = StreamRouter("nats://localhost:4222")
router.include_router(orders)

app = FastAPI()
app.include_router(router)
