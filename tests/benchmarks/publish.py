"""Publishing to NATS, where nobody listens."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats

from tests.benchmarks.bodies import Order, api, headers, nats_url, unique
from tests.benchmarks.child import Round

FLUSH = 200


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """A connected publisher: `broker.publish` or `publisher.publish` by case."""
    order, subject = Order(user="john", id=1), unique()
    client: Any
    if side == "raw":
        client = await nats.connect(nats_url())

        async def publish() -> None:
            body = json.dumps(order.model_dump()).encode()
            await client.publish(subject, body, headers=headers())

    else:
        broker = api(side).module("nats").NatsBroker(nats_url(), logger=None)
        publisher = broker.publisher(subject)
        await broker.start()
        client = broker.connection

        async def publish() -> None:
            if case == "broker":
                await broker.publish(order, subject)
            else:
                await publisher.publish(order)

    async def one_round(count: int) -> dict[str, float]:
        await client.flush()
        began = time.process_time()
        for number in range(count):
            await publish()
            if number % FLUSH == FLUSH - 1:
                await client.flush()
        await client.flush()
        return {case: (time.process_time() - began) / count * 1e6}

    try:
        yield one_round
    finally:
        await (client.close() if side == "raw" else broker.stop())
