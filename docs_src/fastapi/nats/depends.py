"""The broker as a dependency, and from the state of the application: NATS."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from anystream.fastapi.nats import NatsRouter
from anystream.nats import NatsBroker

router = NatsRouter("nats://localhost:4222")


def broker() -> NatsBroker:
    return router.broker


app = FastAPI()
app.include_router(router)


@app.post("/orders/{item}")
async def order(item: str, broker: Annotated[NatsBroker, Depends(broker)]) -> str:
    await broker.publish({"item": item}, "orders")
    return "ordered"


@app.post("/again/{item}")
async def again(item: str, request: Request) -> str:
    await request.state.broker.publish({"item": item}, "orders")
    return "ordered"
