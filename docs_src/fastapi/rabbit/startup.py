"""Work to be done once the broker is connected: RabbitMQ."""

from typing import Any

from fastapi import FastAPI

from anystream.fastapi.rabbit import RabbitRouter

router = RabbitRouter("amqp://guest:guest@localhost:5672/")
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
