"""A plain router in a FastAPI application: Kafka (confluent-kafka)."""

from fastapi import FastAPI
from pydantic import BaseModel

from anystream.confluent import KafkaRouter
from anystream.fastapi.confluent import KafkaRouter as StreamRouter

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
