"""Two brokers in one application: NATS."""

from fastapi import FastAPI

from anystream.fastapi.nats import NatsRouter

shop = NatsRouter("nats://localhost:4222", schema_url="/asyncapi/shop")
store = NatsRouter("nats://localhost:4222", schema_url="/asyncapi/store")


@shop.subscriber("orders")
async def order(item: str) -> None:
    await store.broker.publish(item, "parcels")


@store.subscriber("parcels")
async def pack(item: str) -> None:
    print("packed", item)


app = FastAPI()
app.include_router(shop)
app.include_router(store)
