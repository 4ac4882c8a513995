from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anystream.core import Context, ContextRepo, FastStream
from anystream.memory import MemoryBroker

orders = MemoryBroker()
audit = MemoryBroker()


@asynccontextmanager
async def lifespan(context: ContextRepo, limit: int = 10) -> AsyncIterator[None]:
    context.set_global("limit", limit)
    yield


app = FastStream(orders, audit, lifespan=lifespan)


@app.on_startup
async def before_brokers(limit: int = Context()) -> None:
    """Nothing is connected yet."""


@app.after_startup
async def brokers_are_up() -> None:
    await orders.publish("started", "events")


@app.on_shutdown
async def brokers_still_up() -> None:
    await orders.publish("stopping", "events")


@orders.subscriber("events")
async def event(text: str, limit: int = Context()) -> None:
    await audit.publish(f"{text} ({limit})", "log")
