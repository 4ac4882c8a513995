"""Publish and handle inside one process: the test broker and the embedded broker."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.benchmarks.bodies import BODY, Counter, Order, api, nats_url, unique
from tests.benchmarks.child import Round

BATCH = 100


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """`test 1`, `test 100`, `memory 1`, `memory 100`: the kind and the number of subscribers."""
    kind, subscribers = case.split()
    counter, subject = Counter(), unique()

    async def handle(order: Order) -> None:
        counter.one()

    async with AsyncExitStack() as stack:
        if side == "raw":

            async def publish() -> None:
                await handle(Order(**json.loads(json.dumps(BODY))))

        else:
            # FastStream has no embedded broker: its test broker stands in
            embedded = kind == "memory" and side == "anystream"
            broker = make_broker(side, embedded, subject, int(subscribers), handle)
            if embedded:
                await broker.start()
                stack.push_async_callback(broker.stop)
            else:
                await stack.enter_async_context(api(side).module("nats").TestNatsBroker(broker))

            async def publish() -> None:
                await broker.publish(BODY, subject)

        async def one_round(count: int) -> dict[str, float]:
            spent = 0.0
            for start in range(0, count, BATCH):
                size = min(BATCH, count - start)
                counter.expect(size)
                began = time.process_time()
                for _ in range(size):
                    await publish()
                await counter.cost(size)
                spent += time.process_time() - began
            return {case: spent / count * 1e6}

        yield one_round


def make_broker(side: str, embedded: bool, subject: str, subscribers: int, handle: Any) -> Any:
    ns = api(side)
    if embedded:
        broker = ns.module("memory").MemoryBroker(logger=None)
    else:
        broker = ns.module("nats").NatsBroker(nats_url(), logger=None)
    broker.subscriber(subject)(handle)
    for number in range(subscribers - 1):

        async def other(order: Order) -> None:
            raise RuntimeError("not for this one")

        broker.subscriber(f"{subject}.other.{number}")(other)
    return broker
