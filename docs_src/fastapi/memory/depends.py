"""The broker as a dependency, and from the state of the application: the embedded broker."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from anystream.fastapi.memory import MemoryRouter
from anystream.memory import MemoryBroker

router = MemoryRouter()


def broker() -> MemoryBroker:
    return router.broker


app = FastAPI()
app.include_router(router)


@app.post("/orders/{item}")
async def order(item: str, broker: Annotated[MemoryBroker, Depends(broker)]) -> str:
    await broker.publish({"item": item}, "orders")
    return "ordered"


@app.post("/again/{item}")
async def again(item: str, request: Request) -> str:
    await request.state.broker.publish({"item": item}, "orders")
    return "ordered"
