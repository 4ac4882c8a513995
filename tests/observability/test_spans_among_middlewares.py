"""Spans where other middlewares stand around the handler, or go on after it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach

from anystream.core import BaseMiddleware
from anystream.kafka import KafkaBroker, TestKafkaBroker
from anystream.kafka.opentelemetry import KafkaTelemetryMiddleware
from anystream.memory import MemoryBroker, TestMemoryBroker
from anystream.memory.opentelemetry import MemoryTelemetryMiddleware
from anystream.opentelemetry import Baggage, CurrentBaggage
from tests.observability.native import Exported, child_of

pytestmark = pytest.mark.memory


def broker_with(exported: Exported, *outer: Any) -> MemoryBroker:
    traces = MemoryTelemetryMiddleware(tracer_provider=exported.provider)
    return MemoryBroker(logger=None, middlewares=[*outer, traces])


async def test_published_after_the_message() -> None:
    """What an outer middleware publishes when the span has ended does not belong to it."""
    exported = Exported()

    class After(BaseMiddleware):
        async def after_processed(self, *error: Any) -> bool | None:
            await self.context.get("broker").publish("done", "audit")
            return await super().after_processed(*error)

    broker = broker_with(exported, After)

    @broker.subscriber("orders")
    async def handle(body: str) -> None: ...

    async with TestMemoryBroker(broker):
        await broker.publish("tea", "orders")
    create, publish = exported.one("audit create"), exported.one("audit publish")
    assert child_of(publish, create)
    # in test mode the handler runs while its message is being published
    assert child_of(create, exported.one("orders publish"))


async def test_published_later_by_a_task_of_the_handler() -> None:
    """What a handler has begun belongs to its message, also when that is done."""
    exported, go, tasks = Exported(), asyncio.Event(), []
    broker = broker_with(exported)

    async def later() -> None:
        await go.wait()
        await broker.publish("milk", "more")

    @broker.subscriber("orders")
    async def handle(body: str, values: CurrentBaggage) -> None:
        values.set("user", "john")
        tasks.append(asyncio.create_task(later()))

    got = []

    @broker.subscriber("more")
    async def more(body: str, values: CurrentBaggage) -> None:
        got.append(values.get("user"))

    async with TestMemoryBroker(broker):
        await broker.publish("tea", "orders")
        assert exported.one("orders process").end_time is not None
        go.set()
        await asyncio.wait_for(tasks[0], 10)
    assert child_of(exported.one("more publish"), exported.one("orders process"))
    assert got == ["john"]


async def test_handled_in_a_task_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """As with `asyncio.wait_for` around the handler: answers stay in the trace, nothing is left."""
    exported, got = Exported(), []

    class InTask(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            return await asyncio.create_task(call_next(msg))

    broker = broker_with(exported, InTask)

    @broker.subscriber("orders")
    @broker.publisher("paid")
    @broker.publisher("packed")
    async def handle(body: str, values: CurrentBaggage) -> str:
        values.set("user", "john")
        return body

    @broker.subscriber("paid")
    async def paid(body: str, values: CurrentBaggage) -> None:
        got.append(values.get("user"))

    with caplog.at_level(logging.WARNING):
        async with TestMemoryBroker(broker):
            await broker.publish("tea", "orders")
            assert not trace.get_current_span().get_span_context().is_valid
            await broker.publish("on its own", "other")
    process = exported.one("orders process")
    assert child_of(exported.one("paid publish"), process)
    assert child_of(exported.one("packed publish"), process)
    assert exported.one("other create").parent is None
    assert got == ["john"]
    assert caplog.text == ""


async def test_each_attempt_has_its_span() -> None:
    """When an outer middleware calls the handler again, the first span ends there."""
    exported = Exported()

    class Again(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            try:
                return await call_next(msg)
            except ValueError:
                return await call_next(msg)

    broker, calls = broker_with(exported, Again), []

    @broker.subscriber("orders")
    async def handle(body: str) -> None:
        calls.append(body)
        if len(calls) == 1:
            raise ValueError("not yet")

    async with TestMemoryBroker(broker):
        await broker.publish("tea", "orders")
        assert not trace.get_current_span().get_span_context().is_valid
    first, second = exported.named("orders process")
    assert [len(first.events), len(second.events)] == [1, 0]
    assert first.parent == second.parent


async def test_baggage_of_the_headers_and_of_the_context() -> None:
    """What the caller writes into the headers is not lost to what is current, and counts more."""
    exported, got = Exported(), []
    broker = broker_with(exported)

    @broker.subscriber("orders")
    async def handle(body: str, values: CurrentBaggage) -> None:
        got.append(values.get_all())

    token = attach(baggage.set_baggage("shop", "b", baggage.set_baggage("user", "somebody")))
    try:
        async with TestMemoryBroker(broker):
            await broker.publish("tea", "orders", headers=Baggage({"user": "john"}).to_headers())
    finally:
        detach(token)
    assert got == [{"user": "john", "shop": "b"}]


async def test_baggage_of_a_batch_that_is_published() -> None:
    """The mark of a batch does not replace what the caller writes into the headers."""
    exported, got = Exported(), []
    broker = KafkaBroker(
        logger=None, middlewares=[KafkaTelemetryMiddleware(tracer_provider=exported.provider)]
    )

    @broker.subscriber("orders", batch=True)
    async def handle(bodies: list[str], values: CurrentBaggage) -> None:
        got.append(values.get_all())

    async with TestKafkaBroker(broker):
        headers = Baggage({"user": "john"}).to_headers()
        await broker.publish_batch("tea", "milk", topic="orders", headers=headers)
    assert got == [{"user": "john", "with_batch": "True"}]
