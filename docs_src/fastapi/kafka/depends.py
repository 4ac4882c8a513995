"""The broker as a dependency, and from the state of the application: Kafka (aiokafka)."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from anystream.fastapi.kafka import KafkaRouter
from anystream.kafka import KafkaBroker

router = KafkaRouter("localhost:9092")


def broker() -> KafkaBroker:
    return router.broker


app = FastAPI()
app.include_router(router)


@app.post("/orders/{item}")
async def order(item: str, broker: Annotated[KafkaBroker, Depends(broker)]) -> str:
    await broker.publish({"item": item}, "orders")
    return "ordered"


@app.post("/again/{item}")
async def again(item: str, request: Request) -> str:
    await request.state.broker.publish({"item": item}, "orders")
    return "ordered"
