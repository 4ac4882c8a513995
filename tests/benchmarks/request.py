"""Request and reply over NATS, one at a time: latency, and CPU of both ends."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import nats

from tests.benchmarks.bodies import (
    BODY,
    DATA,
    Order,
    api,
    headers,
    known_to_server,
    nats_url,
    order_of,
    unique,
)
from tests.benchmarks.child import Round


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """A responder and a requester with a connection each."""
    make = raw if side == "raw" else framework
    async with make(side, unique()) as ask:

        async def one_round(count: int) -> dict[str, float]:
            times = []
            cpu = time.process_time()
            for _ in range(count):
                began = time.perf_counter()
                await ask()
                times.append(time.perf_counter() - began)
            cpu = time.process_time() - cpu
            return {"p50": median(times) * 1e6, "cpu": cpu / count * 1e6}

        yield one_round


@asynccontextmanager
async def raw(side: str, subject: str) -> AsyncIterator[Any]:
    server, client = await nats.connect(nats_url()), await nats.connect(nats_url())

    async def answer(msg: Any) -> None:
        order = order_of(msg.data)
        body = json.dumps(order.model_dump()).encode()
        await server.publish(msg.reply, body, headers=dict(msg.headers))

    await server.subscribe(subject, cb=answer)
    await known_to_server(server)

    async def ask() -> None:
        reply = await client.request(subject, DATA, timeout=5, headers=headers())
        json.loads(reply.data)

    yield ask
    await client.close()
    await server.close()


@asynccontextmanager
async def framework(side: str, subject: str) -> AsyncIterator[Any]:
    module = api(side).module("nats")
    server = module.NatsBroker(nats_url(), logger=None)
    client = module.NatsBroker(nats_url(), logger=None)

    @server.subscriber(subject)
    async def answer(order: Order) -> Order:
        return order

    await server.start()
    await known_to_server(server.connection)
    await client.connect()

    async def ask() -> None:
        reply = await client.request(BODY, subject, timeout=5)
        await reply.decode()

    yield ask
    await client.stop()
    await server.stop()
