"""Brokers on the shared server, names that nobody else uses, and a bare client beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import aio_pika
import pytest

from anystream.rabbit import RabbitBroker
from tests.waiting import Seen


@pytest.fixture
async def seen() -> Seen:
    """Collects what handlers saw."""
    return Seen()


class Bare:
    """The client library by hand.

    Args:
        channel: a channel of it.
    """

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.names: list[str] = []

    def name(self) -> str:
        """A name for a queue or an exchange; what has it is deleted at the end."""
        self.names.append(f"anystream.test.{uuid4().hex[:12]}")
        return self.names[-1]

    async def queue(self, name: str, **options: Any) -> Any:
        """A queue as it is at the server, or with options, as it is declared now."""
        return await self.channel.declare_queue(name, **(options or {"passive": True}))

    async def take(self, name: str, timeout: float = 10.0) -> Any:
        """The next message of a queue; waits for it."""
        queue = await self.channel.get_queue(name, ensure=False)

        async def arrived() -> Any:
            while (message := await queue.get(fail=False, no_ack=True)) is None:
                await asyncio.sleep(0.02)
            return message

        return await asyncio.wait_for(arrived(), timeout)

    async def count(self, name: str) -> int:
        """How many messages wait in a queue."""
        return (await self.queue(name)).declaration_result.message_count or 0

    async def send(self, name: str, data: bytes, exchange: str = "", **properties: Any) -> None:
        """Publishes as a producer that knows nothing of anystream."""
        target = self.channel.default_exchange
        if exchange:
            target = await self.channel.get_exchange(exchange, ensure=False)
        await target.publish(aio_pika.Message(data, **properties), name)


@pytest.fixture
async def bare(rabbit_url: str) -> AsyncIterator[Bare]:
    """A bare client; deletes what was named by it."""
    async with await aio_pika.connect(rabbit_url) as connection:
        made = Bare(await connection.channel())
        yield made
        async with connection.channel() as channel:
            for name in made.names:
                await channel.queue_delete(name)
                await channel.exchange_delete(name)


@pytest.fixture
def make(rabbit_url: str) -> Callable[..., RabbitBroker]:
    """Makes brokers for the server."""
    return lambda **options: RabbitBroker(rabbit_url, **{"logger": None, **options})
