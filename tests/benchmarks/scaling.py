"""A thousand subscribers: to declare, to start, to keep, and what they do to each message."""

import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
import psutil

from tests.benchmarks.bodies import Counter, Order, api, known_to_server, nats_url, order_of, unique
from tests.benchmarks.child import Round, say

SUBSCRIBERS = 1000


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """The case is the number of subscribers that is compared with one."""
    many = int(case)

    async def one_round(count: int) -> dict[str, float]:
        alone = await grow(side, 1, count)
        crowd = await grow(side, many, count)
        return {
            "declare and start": crowd["declare"] + crowd["start"],
            "memory": crowd["memory"],
            "per message": crowd["message"],
            "per message, of one subscriber's": crowd["message"] / alone["message"],
        }

    yield one_round


async def grow(side: str, many: int, count: int) -> dict[str, float]:
    """Declares and starts `many`, then floods one of them."""
    counter, subject = Counter(), unique()
    gc.collect()
    memory = psutil.Process().memory_info().rss
    began = time.process_time()
    broker = (
        await raw(subject, many, counter)
        if side == "raw"
        else declare(side, subject, many, counter)
    )
    declared = time.process_time()
    await broker.start()
    await known_to_server(broker.client if side == "raw" else broker.connection)
    started = time.process_time()
    result = {
        "declare": (declared - began) * 1e3,
        "start": (started - declared) * 1e3,
        "memory": (psutil.Process().memory_info().rss - memory) / 2**20,
    }
    for size in (max(1, count // 10), count, count):
        counter.expect(size)
        say(flood={"subjects": [f"{subject}.{many - 1}"], "count": size})
        cost = await counter.cost(size)
        result["message"] = min(cost, result.get("message", cost)) if size == count else cost
    await broker.stop()
    return result


def declare(side: str, subject: str, many: int, counter: Counter) -> Any:
    """A handler and a model of its own for each subscriber would be the user's cost, not ours."""
    broker = api(side).module("nats").NatsBroker(nats_url(), logger=None)
    for number in range(many):

        async def handle(order: Order) -> None:
            counter.one()

        broker.subscriber(f"{subject}.{number}")(handle)
    return broker


class RawConsumers:
    """The client library by hand."""

    def __init__(self, client: Any, subject: str, many: int, counter: Counter) -> None:
        self.client = client
        self.subject = subject
        self.many = many
        self.counter = counter

    async def start(self) -> None:
        for number in range(self.many):

            async def handle(order: Order) -> None:
                self.counter.one()

            async def on_message(msg: Any, handle: Any = handle) -> None:
                await handle(order_of(msg.data))

            await self.client.subscribe(f"{self.subject}.{number}", cb=on_message)

    async def stop(self) -> None:
        await self.client.close()


async def raw(subject: str, many: int, counter: Counter) -> RawConsumers:
    return RawConsumers(await nats.connect(nats_url()), subject, many, counter)
