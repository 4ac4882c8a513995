"""The message of all scenarios, and what a handler tells the measurement."""

import asyncio
import json
import os
import time
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from pydantic import BaseModel

BODY = {"user": "john", "id": 1}
DATA = b'{"user":"john","id":1}'


def headers() -> dict[str, str]:
    """Two headers, as both frameworks send them."""
    return {"content-type": "application/json", "correlation_id": str(uuid4())}


class Order(BaseModel):
    """The usual body."""

    user: str
    id: int


def order_of(data: bytes) -> Order:
    """What one writes by hand."""
    return Order(**json.loads(data))


def nats_url() -> str:
    return os.environ.get("ANYSTREAM_NATS_URL") or "nats://localhost:4222"


def unique(prefix: str = "bench") -> str:
    return f"{prefix}-{uuid4().hex[:12]}"


def api(side: str) -> Any:
    """The modules of a framework that have the same names in both."""
    core = "faststream" if side == "faststream" else "anystream.core"
    return SimpleNamespace(
        side=side, core=import_module(core), module=lambda name: import_module(f"{side}.{name}")
    )


async def known_to_server(client: Any) -> None:
    """Waits until a NATS server has every subscription of this client.

    The client writes the ping of a `flush` before what it has not written yet, so only the second
    answer comes after the subscriptions.
    """
    await client.flush()
    await client.flush()


class Counter:
    """Counts handled messages and reads the process clock at the last one."""

    def __init__(self) -> None:
        self.left = 0
        self.done = asyncio.Event()
        self.began = self.ended = 0.0

    def expect(self, count: int) -> None:
        self.left = count
        self.done = asyncio.Event()
        self.began = time.process_time()

    def one(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.ended = time.process_time()
            self.done.set()

    async def cost(self, count: int, timeout: float = 60.0) -> float:
        """Microseconds of CPU for each message, once all have come."""
        try:
            await asyncio.wait_for(self.done.wait(), timeout)
        except asyncio.TimeoutError:
            raise RuntimeError(
                f"{self.left} of {count} messages missing after {timeout} s"
            ) from None
        return (self.ended - self.began) / count * 1e6
