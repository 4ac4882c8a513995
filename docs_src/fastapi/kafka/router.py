"""A plain router in a FastAPI application: Kafka (aiokafka)."""

from fastapi import FastAPI
from pydantic import BaseModel

from anystream.fastapi.kafka import KafkaRouter as StreamRouter
from anystream.kafka import KafkaRouter

orders = KafkaRouter(prefix="shop-")


class Order(BaseModel):
    """What customers send."""

    item: str


@orders.subscriber("orders")
@orders.publisher("shipped")
async def ship(order: Order) -> str:
    return f"shipped {order.item}"


router = StreamRouter("localhost:9092")
router.include_router(orders)

app = FastAPI()
app.include_router(router)
