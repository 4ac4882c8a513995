import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from anystream.core.message import StreamMessage
from anystream.memory import Letter, MemoryBroker


class Compressed:
    """Replaces the encoding in both directions."""

    async def encode(self, msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        return zlib.compress(json.dumps(msg).encode()), "application/x-deflate"

    async def decode(self, msg: StreamMessage[Any]) -> Any:
        return json.loads(zlib.decompress(msg.body))


async def parse(
    letter: Letter, original: Callable[[Letter], Awaitable[StreamMessage[Any]]]
) -> StreamMessage[Any]:
    """Native message in, `StreamMessage` out; a second parameter receives the default parser."""
    message = await original(letter)
    message.correlation_id = message.headers.get("x-trace", message.correlation_id)
    return message


broker = MemoryBroker(codec=Compressed(), parser=parse)


@broker.subscriber("numbers")
async def total(numbers: list[int]) -> int:
    return sum(numbers)
