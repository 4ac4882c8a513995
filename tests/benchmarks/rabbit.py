"""RabbitMQ: consuming with acknowledgement, publishing with confirms, requests, the test broker."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import Any

import aio_pika

from tests.benchmarks.bodies import BODY, DATA, Counter, Order, api, order_of, unique
from tests.benchmarks.child import Round, say

PREFETCH = 100
AT_ONCE = 50
BATCH = 100

Ask = Callable[[], Awaitable[None]]


def url() -> str:
    return os.environ.get("ANYSTREAM_RABBIT_URL") or "amqp://guest:guest@localhost:5672/"


def fill(queue: str, count: int) -> None:
    """Publishes `count` messages, from outside the measured process."""

    async def publish() -> None:
        async with await aio_pika.connect(url()) as connection:
            channel = await connection.channel(publisher_confirms=False)
            for _ in range(count):
                message = aio_pika.Message(
                    DATA, content_type="application/json", headers={"a": "1", "b": "2"}
                )
                await channel.default_exchange.publish(message, queue)

    asyncio.run(publish())


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """One side of a case."""
    sides = {
        "consume": consume,
        "publish": publish,
        "publisher": publish,
        "request": request,
        "at once": request,
        "test": in_memory,
    }
    async with sides[case](case, side) as one_round:
        yield one_round


@asynccontextmanager
async def consume(case: str, side: str) -> AsyncIterator[Round]:
    """Messages arrive while another process publishes; each is acknowledged."""
    counter, queue = Counter(), unique()

    async def handle(order: Order) -> None:
        counter.one()

    async def one_round(count: int) -> dict[str, float]:
        counter.expect(count)
        say(work="rabbit:fill", options={"queue": queue, "count": count})
        return {case: await counter.cost(count)}

    async with AsyncExitStack() as stack:
        if side == "raw":
            await stack.enter_async_context(raw_consumer(queue, handle))
        else:
            module = api(side).module("rabbit")
            broker = module.RabbitBroker(url(), logger=None)
            made = module.RabbitQueue(queue, auto_delete=True)
            channel = module.Channel(prefetch_count=PREFETCH)
            broker.subscriber(made, channel=channel)(handle)
            await broker.start()
            stack.push_async_callback(broker.stop)
        yield one_round


@asynccontextmanager
async def raw_consumer(queue: str, handle: Any) -> AsyncIterator[None]:
    """What one writes by hand."""
    connection = await aio_pika.connect_robust(url())
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    declared = await channel.declare_queue(queue, durable=True, auto_delete=True)

    async def on_message(message: Any) -> None:
        await handle(order_of(message.body))
        await message.ack()

    await declared.consume(on_message)
    yield
    await connection.close()


@asynccontextmanager
async def publish(case: str, side: str) -> AsyncIterator[Round]:
    """One message after the other, each confirmed, into a queue that keeps nothing."""
    order, queue = Order(user="john", id=1), unique()
    admin = await aio_pika.connect(url())
    channel = await admin.channel()
    await channel.declare_queue(queue, auto_delete=True, arguments={"x-max-length": 1})
    async with AsyncExitStack() as stack:
        send: Ask
        if side == "raw":
            connection = await aio_pika.connect_robust(url())
            stack.push_async_callback(connection.close)
            exchange = (await connection.channel()).default_exchange

            async def send() -> None:
                body = json.dumps(order.model_dump()).encode()
                message = aio_pika.Message(
                    body, content_type="application/json", correlation_id=unique()
                )
                await exchange.publish(message, queue)

        else:
            broker = api(side).module("rabbit").RabbitBroker(url(), logger=None)
            publisher = broker.publisher(queue)
            await broker.start()
            stack.push_async_callback(broker.stop)

            async def send() -> None:
                if case == "publish":
                    await broker.publish(order, queue)
                else:
                    await publisher.publish(order)

        async def one_round(count: int) -> dict[str, float]:
            began = time.process_time()
            for _ in range(count):
                await send()
            return {case: (time.process_time() - began) / count * 1e6}

        yield one_round
    await admin.close()


@asynccontextmanager
async def request(case: str, side: str) -> AsyncIterator[Round]:
    """A responder and a requester with a connection each."""
    make = raw_request if side == "raw" else framework_request
    async with make(side, unique()) as ask:

        async def one_by_one(count: int) -> dict[str, float]:
            times = []
            for _ in range(count):
                began = time.perf_counter()
                await ask()
                times.append(time.perf_counter() - began)
            return {"p50": median(times) * 1e6}

        async def at_once(count: int) -> dict[str, float]:
            began = time.perf_counter()
            for _ in range(max(1, count // AT_ONCE)):
                await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
            done = max(1, count // AT_ONCE) * AT_ONCE
            return {"wall": (time.perf_counter() - began) / done * 1e6}

        yield one_by_one if case == "request" else at_once


@asynccontextmanager
async def raw_request(side: str, queue: str) -> AsyncIterator[Ask]:
    """By hand: one reply consumer, futures by correlation id."""
    server, client = await aio_pika.connect_robust(url()), await aio_pika.connect_robust(url())
    channel = await server.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    declared = await channel.declare_queue(queue, auto_delete=True)

    async def answer(message: Any) -> None:
        order = order_of(message.body)
        body = json.dumps(order.model_dump()).encode()
        reply = aio_pika.Message(body, correlation_id=message.correlation_id)
        await channel.default_exchange.publish(reply, message.reply_to)
        await message.ack()

    await declared.consume(answer)
    asking = await client.channel()
    replies = await asking.get_queue("amq.rabbitmq.reply-to", ensure=False)
    waiting: dict[str, asyncio.Future[bytes]] = {}

    async def arrived(message: Any) -> None:
        waiting.pop(message.correlation_id).set_result(message.body)

    await replies.consume(arrived, no_ack=True)

    async def ask() -> None:
        key = unique()
        future = waiting[key] = asyncio.get_running_loop().create_future()
        message = aio_pika.Message(DATA, correlation_id=key, reply_to="amq.rabbitmq.reply-to")
        await asking.default_exchange.publish(message, queue)
        json.loads(await asyncio.wait_for(future, 5))

    yield ask
    await client.close()
    await server.close()


@asynccontextmanager
async def framework_request(side: str, queue: str) -> AsyncIterator[Ask]:
    module = api(side).module("rabbit")
    server = module.RabbitBroker(url(), logger=None)
    client = module.RabbitBroker(url(), logger=None)
    made = module.RabbitQueue(queue, auto_delete=True)

    @server.subscriber(made, channel=module.Channel(prefetch_count=PREFETCH))
    async def answer(order: Order) -> Order:
        return order

    await server.start()
    await client.start()

    async def ask() -> None:
        reply = await client.request(BODY, queue, timeout=5)
        await reply.decode()

    yield ask
    await client.stop()
    await server.stop()


@asynccontextmanager
async def in_memory(case: str, side: str) -> AsyncIterator[Round]:
    """Publish and handle in the test broker, with 100 subscribers."""
    queue = unique()
    counter = Counter()

    async def handle(order: Order) -> None:
        counter.one()

    async with AsyncExitStack() as stack:
        send: Ask
        if side == "raw":

            async def send() -> None:
                await handle(Order(**json.loads(json.dumps(BODY))))

        else:
            module = api(side).module("rabbit")
            broker = module.RabbitBroker(url(), logger=None)
            broker.subscriber(queue)(handle)
            for number in range(99):

                async def other(order: Order) -> None:
                    raise RuntimeError("not for this one")

                broker.subscriber(f"{queue}.other.{number}")(other)
            await stack.enter_async_context(module.TestRabbitBroker(broker))

            async def send() -> None:
                await broker.publish(BODY, queue)

        async def one_round(count: int) -> dict[str, float]:
            spent = 0.0
            for start in range(0, count, BATCH):
                size = min(BATCH, count - start)
                counter.expect(size)
                began = time.process_time()
                for _ in range(size):
                    await send()
                await counter.cost(size)
                spent += time.process_time() - began
            return {case: spent / count * 1e6}

        yield one_round
