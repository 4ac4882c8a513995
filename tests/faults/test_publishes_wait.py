"""A RabbitMQ server is killed while messages are being published, and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest

from anystream.rabbit import RabbitBroker, RabbitQueue
from anystream.rabbit.errors import ConnectionLost
from tests.faults.servers import RabbitServer

pytestmark = [pytest.mark.rabbit, pytest.mark.slow]

OUTAGE = 5.5
AGAIN_WITHIN = 10.0
AT_ONCE = 100
QUEUE = "waiting"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RabbitServer]:
    """A server of this test's own."""
    made = RabbitServer(tmp_path / "server")
    made.start()
    yield made
    made.close()


class Publishes:
    """Publishes numbers, and notes what became of each.

    Args:
        broker: connected.
    """

    def __init__(self, broker: RabbitBroker) -> None:
        self.broker = broker
        self.tasks: list[asyncio.Task[None]] = []
        self.confirmed: set[int] = set()
        self.failed: dict[int, Exception] = {}

    def begin(self, count: int) -> range:
        """So many more, all at once; returns their numbers."""
        numbers = range(len(self.tasks), len(self.tasks) + count)
        self.tasks += [asyncio.ensure_future(self._one(number)) for number in numbers]
        return numbers

    async def _one(self, number: int) -> None:
        try:
            await self.broker.publish(number, QUEUE, persist=True)
            self.confirmed.add(number)
        except Exception as error:
            self.failed[number] = error


async def in_the_queue(url: str) -> list[int]:
    """The numbers that wait in the queue."""
    found = []
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(QUEUE)
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            found.append(int(message.body))
    return found


async def test_publishes_wait_for_the_server(server: RabbitServer) -> None:
    """What is published in an outage succeeds soon after it; what was under way says that it was
    lost; what was confirmed is there, once."""
    # the limit only makes sure that a slow machine does not end the wait
    broker = RabbitBroker(server.url(), logger=None, publish_timeout=120.0)
    async with broker:
        await broker.declare_queue(RabbitQueue(QUEUE, durable=True))
        await asyncio.sleep(server.writes_late)
        publishes = Publishes(broker)
        publishes.begin(AT_ONCE)
        await asyncio.wait(publishes.tasks[:1])
        server.kill()
        began, waiting = time.monotonic(), list[int]()
        publishes.begin(AT_ONCE)
        while await broker.ping(0.5):
            await asyncio.sleep(0.01)
        while time.monotonic() - began < OUTAGE - server.start_takes:
            waiting += publishes.begin(10)
            await asyncio.sleep(0.1)
        await asyncio.to_thread(server.start)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(*publishes.tasks), AGAIN_WITHIN)
    assert len(publishes.confirmed) + len(publishes.failed) == len(publishes.tasks)
    assert [publishes.failed[number] for number in waiting if number in publishes.failed] == []
    assert {type(error) for error in publishes.failed.values()} <= {ConnectionLost}
    found = await in_the_queue(server.url())
    assert len(found) == len(set(found))
    assert publishes.confirmed <= set(found)
