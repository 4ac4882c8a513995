"""Publishing from an HTTP endpoint: Redis."""

from fastapi import FastAPI

from anystream.fastapi.redis import RedisRouter

router = RedisRouter("redis://localhost:6379")


@router.post("/orders/{item}")
async def order(item: str) -> str:
    await router.broker.publish({"item": item}, "orders")
    return "ordered"


app = FastAPI()
app.include_router(router)
