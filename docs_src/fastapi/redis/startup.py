"""Work to be done once the broker is connected: Redis."""

from typing import Any

from fastapi import FastAPI

from anystream.fastapi.redis import RedisRouter

router = RedisRouter("redis://localhost:6379")
seen: list[str] = []


@router.subscriber("announcements")
async def announced(text: str) -> None:
    seen.append(text)


@router.after_startup
async def announce(app: FastAPI) -> dict[str, Any]:
    await router.broker.publish("here we are", "announcements")
    return {"announced": True}  # becomes request.state.announced


@router.on_broker_shutdown
async def say_goodbye(app: FastAPI) -> None:
    await router.broker.publish("gone", "announcements")


app = FastAPI()
app.include_router(router)
