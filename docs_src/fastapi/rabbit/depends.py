"""The broker as a dependency, and from the state of the application: RabbitMQ."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from anystream.fastapi.rabbit import RabbitRouter
from anystream.rabbit import RabbitBroker

router = RabbitRouter("amqp://guest:guest@localhost:5672/")


def broker() -> RabbitBroker:
    return router.broker


app = FastAPI()
app.include_router(router)


@app.post("/orders/{item}")
async def order(item: str, broker: Annotated[RabbitBroker, Depends(broker)]) -> str:
    await broker.publish({"item": item}, "orders")
    return "ordered"


@app.post("/again/{item}")
async def again(item: str, request: Request) -> str:
    await request.state.broker.publish({"item": item}, "orders")
    return "ordered"
