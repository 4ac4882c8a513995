import asyncio

from pydantic import BaseModel

from anystream.core import FastStream, Logger
from anystream.nats import NatsBroker


class User(BaseModel):
    name: str
    age: int


broker = NatsBroker("nats://localhost:4222")
app = FastStream(broker)


@broker.subscriber("users")
@broker.publisher("greetings")
async def greet(user: User) -> str:
    return f"Hello, {user.name}"


@broker.subscriber("greetings", queue="display")
async def show(text: str, logger: Logger) -> None:
    logger.log(20, text)


if __name__ == "__main__":
    asyncio.run(app.run())
