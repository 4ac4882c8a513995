import asyncio

from pydantic import BaseModel

from anystream.core import FastStream, Logger
from anystream.memory import MemoryBroker


class User(BaseModel):
    name: str
    age: int


broker = MemoryBroker()
app = FastStream(broker)


@broker.subscriber("users")
@broker.publisher("greetings")
async def greet(user: User) -> str:
    return f"Hello, {user.name}"


@broker.subscriber("greetings")
async def show(text: str, logger: Logger) -> None:
    logger.log(20, text)


@app.after_startup
async def first_message() -> None:
    await broker.publish({"name": "Ada", "age": 36}, "users")


if __name__ == "__main__":
    asyncio.run(app.run())
