"""Publishing from an HTTP endpoint: the embedded broker."""

from fastapi import FastAPI

from anystream.fastapi.memory import MemoryRouter

router = MemoryRouter()


@router.post("/orders/{item}")
async def order(item: str) -> str:
    await router.broker.publish({"item": item}, "orders")
    return "ordered"


app = FastAPI()
app.include_router(router)
