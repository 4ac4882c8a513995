"""A plain router in a FastAPI application: RabbitMQ."""

from fastapi import FastAPI
from pydantic import BaseModel

from anystream.fastapi.rabbit import RabbitRouter as StreamRouter
from anystream.rabbit import RabbitRouter

orders = RabbitRouter(prefix="shop-")


class Order(BaseModel):
    """What customers send."""

    item: str


@orders.subscriber("orders")
@orders.publisher("shipped")
async def ship(order: Order) -> str:
    return f"shipped {order.item}"


router = StreamRouter("amqp://guest:guest@localhost:5672/")
router.include_router(orders)

app = FastAPI()
app.include_router(router)
