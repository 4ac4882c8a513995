"""The broker as a dependency, and from the state of the application: Redis."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from anystream.fastapi.redis import RedisRouter
from anystream.redis import RedisBroker

router = RedisRouter("redis://localhost:6379")


def broker() -> RedisBroker:
    return router.broker


app = FastAPI()
app.include_router(router)


@app.post("/orders/{item}")
async def order(item: str, broker: Annotated[RedisBroker, Depends(broker)]) -> str:
    await broker.publish({"item": item}, "orders")
    return "ordered"


@app.post("/again/{item}")
async def again(item: str, request: Request) -> str:
    await request.state.broker.publish({"item": item}, "orders")
    return "ordered"
