"""Two brokers in one application: Redis."""

from fastapi import FastAPI

from anystream.fastapi.redis import RedisRouter

shop = RedisRouter("redis://localhost:6379", schema_url="/asyncapi/shop")
store = RedisRouter("redis://localhost:6379", schema_url="/asyncapi/store")


@shop.subscriber("orders")
async def order(item: str) -> None:
    await store.broker.publish(item, "parcels")


@store.subscriber("parcels")
async def pack(item: str) -> None:
    print("packed", item)


app = FastAPI()
app.include_router(shop)
app.include_router(store)
