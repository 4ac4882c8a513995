from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

from anystream.core.message import StreamMessage
from anystream.memory import MemoryBroker


class User(BaseModel):
    name: str


async def decode(
    msg: StreamMessage[Any], original: Callable[[StreamMessage[Any]], Awaitable[Any]]
) -> Any:
    """With a second parameter the default decoder can be called."""
    body = await original(msg)
    return {"name": body} if isinstance(body, str) else body


broker = MemoryBroker(decoder=decode)
users = broker.subscriber("users")


@users(filter=lambda msg: msg.headers.get("kind") == "admin")
async def admin(user: User) -> None:
    """The first handler whose filter takes the message gets it."""


@users
async def anybody(user: User) -> None:
    """Everything else."""
