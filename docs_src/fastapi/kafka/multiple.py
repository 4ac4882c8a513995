"""Two brokers in one application: Kafka (aiokafka)."""

from fastapi import FastAPI

from anystream.fastapi.kafka import KafkaRouter

shop = KafkaRouter("localhost:9092", schema_url="/asyncapi/shop")
store = KafkaRouter("localhost:9092", schema_url="/asyncapi/store")


@shop.subscriber("orders")
async def order(item: str) -> None:
    await store.broker.publish(item, "parcels")


@store.subscriber("parcels")
async def pack(item: str) -> None:
    print("packed", item)


app = FastAPI()
app.include_router(shop)
app.include_router(store)
