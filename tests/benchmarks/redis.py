"""Redis: reading channels, lists and streams while another process fills them; publishing;
requests; the test broker."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import redis
import redis.asyncio as client_library

from tests.benchmarks.bodies import BODY, DATA, Counter, Order, api, headers, order_of, unique
from tests.benchmarks.child import Round, say

READING = ("channel", "list", "stream")
CHUNK = 500


def redis_url() -> str:
    return os.environ.get("ANYSTREAM_REDIS_URL") or "redis://localhost:6379"


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """The work of one side in one case."""
    if case.startswith("test"):
        opened = test_broker(case, side)
    elif case == "request":
        opened = requests(side)
    elif case in READING:
        opened = reading(case, side)
    else:
        opened = publishing(case, side)
    async with opened as one_round:
        yield one_round


def flood(kind: str, name: str, count: int, envelope: bool) -> None:
    """Sends `count` messages, in the parent process.

    Args:
        kind: where they go: `channel`, `list` or `stream`.
        name: its name.
        count: how many.
        envelope: with headers, as both frameworks write them; else the bare body.
    """
    from anystream.redis.parser import pack

    with redis.Redis.from_url(redis_url()) as client:
        for start in range(0, count, CHUNK):
            with client.pipeline(transaction=False) as pipe:
                for _ in range(min(CHUNK, count - start)):
                    data = pack(DATA, headers()) if envelope else DATA
                    if kind == "channel":
                        pipe.publish(name, data)
                    elif kind == "list":
                        pipe.rpush(name, data)
                    else:
                        pipe.xadd(name, {"__data__": data})
                pipe.execute()


@asynccontextmanager
async def reading(case: str, side: str) -> AsyncIterator[Round]:
    """A running consumer: one by one, and streams by a group with an acknowledgement each."""
    counter, name = Counter(), unique()

    async def one_round(count: int) -> dict[str, float]:
        counter.expect(count)
        options = {"kind": case, "name": name, "count": count, "envelope": side != "raw"}
        say(work="redis:flood", options=options)
        return {case: await counter.cost(count)}

    async with client_library.from_url(redis_url()) as client:
        try:
            async with (raw_reader if side == "raw" else framework_reader)(
                case, side, name, counter
            ):
                yield one_round
        finally:
            await client.delete(name)


@asynccontextmanager
async def raw_reader(case: str, side: str, name: str, counter: Counter) -> AsyncIterator[None]:
    """The client library by hand."""
    client = client_library.from_url(redis_url())

    async def handle(order: Order) -> None:
        counter.one()

    async def channel(pubsub: Any) -> None:
        async for message in pubsub.listen():
            await handle(order_of(message["data"]))

    async def of_list() -> None:
        while True:
            found = await client.blpop([name], timeout=0.1)
            if found is not None:
                await handle(order_of(found[1]))

    async def stream() -> None:
        while True:
            read = {name: ">"}
            for _, entries in await client.xreadgroup("g", "c", read, count=100, block=100) or ():
                for entry, fields in entries:
                    await handle(order_of(fields[b"__data__"]))
                    await client.xack(name, "g", entry)

    pubsub = client.pubsub(ignore_subscribe_messages=True)
    if case == "channel":
        await pubsub.subscribe(name)
        work = channel(pubsub)
    elif case == "list":
        work = of_list()
    else:
        await client.xgroup_create(name, "g", mkstream=True)
        work = stream()
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await pubsub.aclose()
        await client.aclose()


@asynccontextmanager
async def framework_reader(
    case: str, side: str, name: str, counter: Counter
) -> AsyncIterator[None]:
    """The same declarations in anystream and in FastStream."""
    module = api(side).module("redis")
    broker = module.RedisBroker(redis_url(), logger=None)
    source = name if case != "stream" else module.StreamSub(name, group="g", consumer="c")

    @broker.subscriber(**{case: source})
    async def handle(body: Order) -> None:
        counter.one()

    await broker.start()
    try:
        yield
    finally:
        await broker.stop()


@asynccontextmanager
async def publishing(case: str, side: str) -> AsyncIterator[Round]:
    """`publish <kind>` through the broker, `publisher <kind>` through an object."""
    how, kind = case.split()
    order, name = Order(user="john", id=1), unique()
    client = client_library.from_url(redis_url())
    publish: Callable[[], Awaitable[Any]]
    broker: Any = None
    if side == "raw":

        async def publish() -> None:
            body = json.dumps(order.model_dump()).encode()
            if kind == "channel":
                await client.publish(name, body)
            elif kind == "list":
                await client.rpush(name, body)
            else:
                await client.xadd(name, {"__data__": body})

    else:
        broker = api(side).module("redis").RedisBroker(redis_url(), logger=None)
        publisher = broker.publisher(**{kind: name})
        await broker.start()

        async def publish() -> None:
            if how == "publish":
                await broker.publish(order, **{kind: name})
            else:
                await publisher.publish(order)

    async def one_round(count: int) -> dict[str, float]:
        began = time.process_time()
        for _ in range(count):
            await publish()
        spent = time.process_time() - began
        await client.delete(name)
        return {case: spent / count * 1e6}

    try:
        yield one_round
    finally:
        await client.aclose()
        if broker is not None:
            await broker.stop()


@asynccontextmanager
async def requests(side: str) -> AsyncIterator[Round]:
    """A responder and a requester with connections of their own, one request after the other."""
    async with (raw_requests if side == "raw" else framework_requests)(side, unique()) as ask:

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
async def raw_requests(side: str, name: str) -> AsyncIterator[Any]:
    """A subscription for each answer, as the client's documentation suggests."""
    server, client = (client_library.from_url(redis_url()) for _ in range(2))
    incoming = server.pubsub(ignore_subscribe_messages=True)
    await incoming.subscribe(name)

    async def answer() -> None:
        async for message in incoming.listen():
            asked = json.loads(message["data"])
            order = Order(**asked["body"])
            await server.publish(asked["reply_to"], json.dumps(order.model_dump()))

    task = asyncio.ensure_future(answer())

    async def ask() -> None:
        reply_to = unique("reply")
        async with client.pubsub(ignore_subscribe_messages=True) as answers:
            await answers.subscribe(reply_to)
            await answers.get_message(timeout=5)
            await client.publish(name, json.dumps({"reply_to": reply_to, "body": BODY}))
            found = None
            while found is None:
                found = await answers.get_message(timeout=5)
            json.loads(found["data"])

    try:
        yield ask
    finally:
        task.cancel()
        await asyncio.wait([task])
        await incoming.aclose()
        await server.aclose()
        await client.aclose()


@asynccontextmanager
async def framework_requests(side: str, name: str) -> AsyncIterator[Any]:
    """The same in anystream and in FastStream."""
    module = api(side).module("redis")
    server = module.RedisBroker(redis_url(), logger=None)
    client = module.RedisBroker(redis_url(), logger=None)

    @server.subscriber(name)
    async def answer(order: Order) -> Order:
        return order

    await server.start()
    await client.connect()

    async def ask() -> None:
        reply = await client.request(BODY, name, timeout=5)
        await reply.decode()

    try:
        yield ask
    finally:
        await client.stop()
        await server.stop()


@asynccontextmanager
async def test_broker(case: str, side: str) -> AsyncIterator[Round]:
    """`test <n>`: publish and handle in the test broker with so many subscribers."""
    from tests.benchmarks.memory import BATCH

    counter, name = Counter(), unique()

    async def handle(order: Order) -> None:
        counter.one()

    async def bare() -> None:
        await handle(Order(**json.loads(json.dumps(BODY))))

    async def rounds(publish: Callable[[], Awaitable[Any]], count: int) -> dict[str, float]:
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

    if side == "raw":
        yield lambda count: rounds(bare, count)
        return
    module = api(side).module("redis")
    broker = module.RedisBroker(redis_url(), logger=None)
    broker.subscriber(name)(handle)
    for number in range(int(case.split()[1]) - 1):

        async def other(order: Order) -> None:
            raise RuntimeError("not for this one")

        broker.subscriber(f"{name}.other.{number}")(other)
    async with module.TestRedisBroker(broker):
        yield lambda count: rounds(lambda: broker.publish(BODY, name), count)
