"""Two brokers in one application: the embedded broker."""

from fastapi import FastAPI

from anystream.fastapi.memory import MemoryRouter

shop = MemoryRouter(schema_url="/asyncapi/shop")
store = MemoryRouter(schema_url="/asyncapi/store")


@shop.subscriber("orders")
async def order(item: str) -> None:
    await store.broker.publish(item, "parcels")


@store.subscriber("parcels")
async def pack(item: str) -> None:
    print("packed", item)


app = FastAPI()
app.include_router(shop)
app.include_router(store)
