"""Publishing from an HTTP endpoint: RabbitMQ."""

from fastapi import FastAPI

from anystream.fastapi.rabbit import RabbitRouter

router = RabbitRouter("amqp://guest:guest@localhost:5672/")


@router.post("/orders/{item}")
async def order(item: str) -> str:
    await router.broker.publish({"item": item}, "orders")
    return "ordered"


app = FastAPI()
app.include_router(router)
