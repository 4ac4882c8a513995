"""Kafka by confluent-kafka: consuming in a group, publishing, the test broker."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from confluent_kafka import Consumer, Producer

from tests.benchmarks.bodies import Counter, Order, api, headers, order_of, unique
from tests.benchmarks.child import Round, say
from tests.benchmarks.kafka import drop_topic, in_memory, make_topic, url

BATCH = 500


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """One side of a case."""
    if case.startswith("test"):
        async with in_memory(case, side, "confluent") as one_round:
            yield one_round
        return
    topic = unique()
    await asyncio.to_thread(make_topic, topic)
    make = consume if case in ("consume", "workers") else publish
    try:
        async with make(case, side, topic) as one_round:
            yield one_round
    finally:
        await asyncio.to_thread(drop_topic, topic)


@asynccontextmanager
async def consume(case: str, side: str, topic: str) -> AsyncIterator[Round]:
    """A member of a group reads what another process has published."""
    counter = Counter()

    async def handle(order: Order) -> None:
        counter.one()

    async def one_round(count: int) -> dict[str, float]:
        counter.expect(count)
        say(work="kafka:fill", options={"topic": topic, "count": count})
        return {case: await counter.cost(count)}

    async with AsyncExitStack() as stack:
        if side == "raw":
            await stack.enter_async_context(raw_consumer(topic, handle))
        else:
            broker = api(side).module("confluent").KafkaBroker(url(), logger=None)
            options = {"max_workers": 10} if case == "workers" else {}
            broker.subscriber(topic, group_id=topic, auto_offset_reset="earliest", **options)(
                handle
            )
            await broker.start()
            stack.push_async_callback(broker.stop)
        yield one_round


@asynccontextmanager
async def raw_consumer(topic: str, handle: Any) -> AsyncIterator[None]:
    """What one writes by hand, if one knows the client well: batches, in an executor."""
    consumer = Consumer(
        {"bootstrap.servers": url(), "group.id": topic, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    going = True

    async def loop() -> None:
        running = asyncio.get_running_loop()
        while going:
            for message in await running.run_in_executor(None, consumer.consume, BATCH, 0.5):
                await handle(order_of(message.value()))

    reading = asyncio.ensure_future(loop())
    try:
        yield
    finally:
        going = False
        await reading
        await asyncio.to_thread(consumer.close)


@asynccontextmanager
async def raw_producer() -> AsyncIterator[Any]:
    """A producer and the thread that serves its callbacks."""
    producer = Producer({"bootstrap.servers": url(), "linger.ms": 0})
    going = True

    def serve() -> None:
        while going:
            producer.poll(0.1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield producer
    finally:
        going = False
        await asyncio.to_thread(thread.join)
        await asyncio.to_thread(producer.flush, 10)


def raw_send(producer: Any, topic: str, order: Order, *, confirmed: bool) -> Any:
    """Publishing by hand: a future that a callback ends, or none."""
    loop = asyncio.get_running_loop()

    def produce(**options: Any) -> None:
        body = json.dumps(order.model_dump()).encode()
        wire = [(name, value.encode()) for name, value in headers().items()]
        producer.produce(topic, body, headers=wire, **options)

    async def send() -> None:
        future = loop.create_future()

        def delivered(error: Any, message: Any) -> None:
            loop.call_soon_threadsafe(future.set_result, message)

        produce(on_delivery=delivered)
        await future

    async def send_only() -> None:
        produce()

    return send if confirmed else send_only


@asynccontextmanager
async def publish(case: str, side: str, topic: str) -> AsyncIterator[Round]:
    """One message after the other, each confirmed; or none, and the buffer emptied at the end."""
    order, confirmed = Order(user="john", id=1), case == "publish"
    async with AsyncExitStack() as stack:
        if side == "raw":
            producer = await stack.enter_async_context(raw_producer())
            send = raw_send(producer, topic, order, confirmed=confirmed)

            async def flush() -> None:
                await asyncio.to_thread(producer.flush, 30)

        else:
            broker = api(side).module("confluent").KafkaBroker(url(), logger=None)
            publisher = broker.publisher(topic)
            await broker.start()
            stack.push_async_callback(broker.stop)
            flush = publisher.flush

            async def send() -> None:
                await broker.publish(order, topic, no_confirm=not confirmed)

        async def one_round(count: int) -> dict[str, float]:
            began = time.process_time()
            for _ in range(count):
                await send()
            await flush()
            return {case: (time.process_time() - began) / count * 1e6}

        yield one_round
