"""Kafka by aiokafka: consuming in a group, confirmed publishing, requests, the test broker."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.benchmarks.bodies import BODY, DATA, Counter, Order, api, headers, order_of, unique
from tests.benchmarks.child import Round, say

WIRE_HEADERS = [(name, value.encode()) for name, value in headers().items()]


def url() -> str:
    return os.environ.get("ANYSTREAM_KAFKA_URL") or "localhost:9092"


def fill(topic: str, count: int) -> None:
    """Publishes `count` messages, from outside the measured process."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": url(), "linger.ms": 5})
    for _ in range(count):
        while True:
            try:
                producer.produce(topic, DATA, headers=WIRE_HEADERS)
                break
            except BufferError:
                producer.poll(0.05)
    if producer.flush(60):
        raise RuntimeError(f"Kafka did not take all messages for {topic}")


def make_topic(topic: str) -> None:
    """A topic with one partition."""
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": url()})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()


def drop_topic(topic: str) -> None:
    """What a scenario has made is deleted again."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": url()})
    admin.delete_topics([topic])[topic].result()


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """One side of a case."""
    sides = {"consume": consume, "workers": consume, "publish": publish, "publisher": publish}
    if case.startswith("test"):
        async with in_memory(case, side) as one_round:
            yield one_round
        return
    topic = unique()
    await asyncio.to_thread(make_topic, topic)
    try:
        async with sides[case](case, side, topic) as one_round:
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
            broker = api(side).module("kafka").KafkaBroker(url(), logger=None)
            options = {"max_workers": 10} if case == "workers" else {}
            broker.subscriber(topic, group_id=topic, auto_offset_reset="earliest", **options)(
                handle
            )
            await broker.start()
            stack.push_async_callback(broker.stop)
        yield one_round


@asynccontextmanager
async def raw_consumer(topic: str, handle: Any) -> AsyncIterator[None]:
    """What one writes by hand."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=url(), group_id=topic, auto_offset_reset="earliest"
    )
    await consumer.start()

    async def loop() -> None:
        while True:
            message = await consumer.getone()
            await handle(order_of(message.value))

    reading = asyncio.ensure_future(loop())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.wait([reading])
        await consumer.stop()


@asynccontextmanager
async def publish(case: str, side: str, topic: str) -> AsyncIterator[Round]:
    """One message after the other, each confirmed."""
    order = Order(user="john", id=1)
    async with AsyncExitStack() as stack:
        if side == "raw":
            producer = AIOKafkaProducer(bootstrap_servers=url())
            await producer.start()
            stack.push_async_callback(producer.stop)

            async def send() -> None:
                body = json.dumps(order.model_dump()).encode()
                wire = [(name, value.encode()) for name, value in headers().items()]
                await producer.send_and_wait(topic, body, headers=wire)

        else:
            broker = api(side).module("kafka").KafkaBroker(url(), logger=None)
            publisher = broker.publisher(topic)
            await broker.start()
            stack.push_async_callback(broker.stop)

            async def send() -> None:
                if case == "publish":
                    await broker.publish(order, topic)
                else:
                    await publisher.publish(order)

        async def one_round(count: int) -> dict[str, float]:
            began = time.process_time()
            for _ in range(count):
                await send()
            return {case: (time.process_time() - began) / count * 1e6}

        yield one_round


@asynccontextmanager
async def in_memory(case: str, side: str, package: str = "kafka") -> AsyncIterator[Round]:
    """`test 1` and `test 100`: so many subscribers, one of which gets the messages."""

    async def handle(order: Order) -> None:
        pass

    async with AsyncExitStack() as stack:
        if side == "raw":

            async def send() -> None:
                await handle(Order(**json.loads(json.dumps(BODY))))

        else:
            module = api(side).module(package)
            broker = module.KafkaBroker(url(), logger=None)
            for number in range(int(case.split()[1])):
                broker.subscriber(f"bench-{number}")(handle)
            await stack.enter_async_context(module.TestKafkaBroker(broker))

            async def send() -> None:
                await broker.publish(BODY, "bench-0")

        async def one_round(count: int) -> dict[str, float]:
            began = time.process_time()
            for _ in range(count):
                await send()
            return {case: (time.process_time() - began) / count * 1e6}

        yield one_round
