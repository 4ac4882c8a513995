"""Publishing from an HTTP endpoint: Kafka (aiokafka)."""

from fastapi import FastAPI

from anystream.fastapi.kafka import KafkaRouter

router = KafkaRouter("localhost:9092")


@router.post("/orders/{item}")
async def order(item: str) -> str:
    await router.broker.publish({"item": item}, "orders")
    return "ordered"


app = FastAPI()
app.include_router(router)
