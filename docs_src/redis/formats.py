import json
from typing import Any

from anystream.redis import MessageFormat, RedisBroker


class Plain(MessageFormat):
    """The body alone, in JSON; no headers, so no answers."""

    @classmethod
    async def encode(cls, *, message: Any, **_: Any) -> bytes:
        return json.dumps(message).encode()

    @classmethod
    def parse(cls, data: bytes) -> tuple[bytes, dict[str, Any]]:
        return data, {"content-type": "application/json"}


broker = RedisBroker("redis://localhost:6379")
plain = broker.publisher(list="docs:plain", message_format=Plain)
