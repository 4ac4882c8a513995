"""A plain router in a FastAPI application: the embedded broker."""

from fastapi import FastAPI
from pydantic import BaseModel

from anystream.fastapi.memory import MemoryRouter as StreamRouter
from anystream.memory import MemoryRouter

orders = MemoryRouter(prefix="shop-")


class Order(BaseModel):
    """What customers send."""

    item: str


@orders.subscriber("orders")
@orders.publisher("shipped")
async def ship(order: Order) -> str:
    return f"shipped {order.item}"


router = StreamRouter()
router.include_router(orders)

app = FastAPI()
app.include_router(router)
