"""Two brokers in one application: RabbitMQ."""

from fastapi import FastAPI

from anystream.fastapi.rabbit import RabbitRouter

shop = RabbitRouter("amqp://guest:guest@localhost:5672/", schema_url="/asyncapi/shop")
store = RabbitRouter("amqp://guest:guest@localhost:5672/", schema_url="/asyncapi/store")


@shop.subscriber("orders")
async def order(item: str) -> None:
    await store.broker.publish(item, "parcels")


@store.subscriber("parcels")
async def pack(item: str) -> None:
    print("packed", item)


app = FastAPI()
app.include_router(shop)
app.include_router(store)
