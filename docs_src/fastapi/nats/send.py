"""Publishing from an HTTP endpoint: NATS."""

from fastapi import FastAPI

from anystream.fastapi.nats import NatsRouter

router = NatsRouter("nats://localhost:4222")


@router.post("/orders/{item}")
async def order(item: str) -> str:
    await router.broker.publish({"item": item}, "orders")
    return "ordered"


app = FastAPI()
app.include_router(router)
