"""A plain router in a FastAPI application: Redis."""

from fastapi import FastAPI
from pydantic import BaseModel

from anystream.fastapi.redis import RedisRouter as StreamRouter
from anystream.redis import RedisRouter

orders = RedisRouter(prefix="shop-")


class Order(BaseModel):
    """What customers send."""

    item: str


@orders.subscriber("orders")
@orders.publisher("shipped")
async def ship(order: Order) -> str:
    return f"shipped {order.item}"


router = StreamRouter("redis://localhost:6379")
router.include_router(orders)

app = FastAPI()
app.include_router(router)
