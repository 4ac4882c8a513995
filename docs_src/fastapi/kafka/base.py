"""Handlers of messages and of HTTP requests on one router: Kafka (aiokafka)."""

from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Header
from pydantic import BaseModel

from anystream.fastapi.kafka import KafkaMessage, KafkaRouter

router = KafkaRouter("localhost:9092")
audit: list[str] = []


class Order(BaseModel):
    """What customers send."""

    item: str
    amount: int = 1


async def price() -> int:
    return 3


@router.subscriber("orders")
@router.publisher("invoices")
async def bill(
    order: Order,
    each: Annotated[int, Depends(price)],
    message: KafkaMessage,
    tasks: BackgroundTasks,
    customer: Annotated[str, Header()] = "unknown",
) -> dict[str, object]:
    tasks.add_task(audit.append, message.message_id)
    return {"customer": customer, "total": order.amount * each}


@router.get("/price")
async def show_price(each: Annotated[int, Depends(price)]) -> int:
    return each


app = FastAPI(title="Orders")
app.include_router(router)
