"""Attributes that only one broker has, on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.observability.native import NATIVES, Exported, Native

BY_NAME = {native.name: native for native in NATIVES}


async def observed(
    native: Native, address: str, publish: Callable[[Any], Awaitable[Any]], **subscriber: Any
) -> Exported:
    """The spans of one message."""
    exported = Exported()
    broker = native.broker(native.telemetry(tracer_provider=exported.provider))
    handled = asyncio.Event()

    @broker.subscriber(address, **native.options, **subscriber)
    async def handle(body: Any) -> None:
        handled.set()

    async with broker:
        await broker.start()
        await publish(broker)
        await asyncio.wait_for(handled.wait(), 30)
    return exported


@pytest.mark.rabbit
async def test_rabbit_names_exchange_and_key() -> None:
    """The exchange is the destination; span names have the key, too."""
    name = f"observed-{uuid4().hex[:8]}"
    exported = await observed(
        BY_NAME["rabbit"],
        name,
        lambda broker: broker.publish("tea", queue=name, exchange=f"{name}-x"),
        exchange=f"{name}-x",
    )
    sent = exported.one(f"{name}-x.{name} publish").attributes or {}
    assert sent["messaging.destination.name"] == f"{name}-x"
    assert sent["messaging.rabbitmq.destination.routing_key"] == name
    came = exported.one(f"{name}-x.{name} process").attributes or {}
    assert came["messaging.destination_publish.name"] == f"{name}-x"
    assert came["messaging.rabbitmq.destination.routing_key"] == name
    assert came["messaging.rabbitmq.message.delivery_tag"] == 1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("kafka", marks=pytest.mark.kafka),
        pytest.param("confluent", marks=pytest.mark.confluent),
    ],
)
async def test_kafka_names_partition_key_and_offset(name: str) -> None:
    """What is given when publishing, and where the record stood."""
    topic = f"observed-{uuid4().hex[:8]}"
    exported = await observed(
        BY_NAME[name],
        topic,
        lambda broker: broker.publish("tea", topic=topic, key=b"john", partition=0),
    )
    sent = exported.one(f"{topic} publish").attributes or {}
    came = exported.one(f"{topic} process").attributes or {}
    for attributes in (sent, came):
        assert attributes["messaging.kafka.destination.partition"] == 0
        assert attributes["messaging.kafka.message.key"] == "john"
    assert came["messaging.kafka.message.offset"] == 0
    assert came["messaging.destination_publish.name"] == topic


@pytest.mark.redis
async def test_batch_of_a_redis_list_starts_a_trace_with_links() -> None:
    """Messages published together are counted, and linked once for each conversation."""
    from anystream.redis import ListSub

    native, name = BY_NAME["redis"], f"observed-{uuid4().hex[:8]}"
    exported = Exported()
    broker = native.broker(native.telemetry(tracer_provider=exported.provider))
    handled = asyncio.Event()

    @broker.subscriber(list=ListSub(name, batch=True, max_records=10, polling_interval=0.01))
    async def handle(bodies: list[str]) -> None:
        handled.set()

    async with broker:
        await broker.connect()
        await broker.publish_batch("tea", "milk", list=name)
        await broker.start()
        await asyncio.wait_for(handled.wait(), 30)
    create, published = (span for span in exported.all if span.kind.name == "PRODUCER")
    processed = exported.one(f"{name} process")
    assert (published.attributes or {})["messaging.batch.message_count"] == 2
    assert (processed.attributes or {})["messaging.batch.message_count"] == 2
    assert (processed.attributes or {})["messaging.message.payload_size_bytes"] == 7
    assert processed.context.trace_id != create.context.trace_id
    (link,) = processed.links
    assert link.context.span_id == create.context.span_id
    assert (link.attributes or {}) == {"messaging.batch.message_count": 2}
