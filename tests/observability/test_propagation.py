"""A trace goes on through each broker's own headers, on real servers."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry

from anystream.opentelemetry import Baggage, CurrentBaggage, CurrentSpan
from tests.observability.native import ALL, Exported, Native, child_of


@pytest.mark.parametrize("native", ALL)
async def test_trace_and_baggage_travel(native: Native) -> None:
    """Publish, handle, publish from the handler, handle: one trace, its baggage, all counted."""
    exported, registry = Exported(), CollectorRegistry()
    broker = native.broker(
        native.telemetry(tracer_provider=exported.provider),
        native.prometheus(registry=registry),
    )
    first, second = (f"observed-{uuid4().hex[:8]}" for _ in range(2))
    done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    spans = []

    @broker.subscriber(first, **native.options)
    async def forward(body: str, span: CurrentSpan, baggage: CurrentBaggage) -> None:
        spans.append(span)
        baggage.set("added", "here")
        await broker.publish(body, **{native.target: second})

    @broker.subscriber(second, **native.options)
    async def finish(body: str, baggage: CurrentBaggage) -> None:
        done.set_result(baggage.get_all())

    headers = Baggage({"user": "john"}).to_headers({"kept": "1"})
    async with broker:
        await broker.start()
        await broker.publish("tea", headers=headers, **{native.target: first})
        travelled = await asyncio.wait_for(done, 30)

    assert travelled == {"user": "john", "added": "here"}
    one, two = native.shown.format(first), native.shown.format(second)
    create, received = exported.one(f"{one} create"), exported.one(f"{one} process")
    assert child_of(exported.one(f"{one} publish"), create)
    assert child_of(received, create)
    assert child_of(exported.one(f"{two} publish"), received)
    assert child_of(exported.one(f"{two} process"), create)
    assert [span.get_span_context() for span in spans] == [received.context]
    assert (create.kind, received.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert received.attributes is not None
    assert received.attributes["messaging.system"] == native.system
    assert received.attributes["messaging.operation"] == "process"
    assert received.attributes["messaging.message.payload_size_bytes"] == 3

    labels = {"app_name": "anystream", "broker": native.system}
    for address in (one, two):
        assert (
            registry.get_sample_value(
                "anystream_received_processed_messages_total",
                {**labels, "handler": address, "status": "acked"},
            )
            == 1.0
        )
        assert (
            registry.get_sample_value(
                "anystream_published_messages_total",
                {**labels, "destination": address, "status": "success"},
            )
            == 1.0
        )


def test_baggage_is_the_standard_header() -> None:
    """What `to_headers` writes is read by OpenTelemetry's own propagator, and back."""
    headers = Baggage({"user": "jöhn, the 1st"}).to_headers({"x": "y"})
    assert headers["x"] == "y"
    assert Baggage.from_headers(headers).get_all() == {"user": "jöhn, the 1st"}
    assert W3CBaggagePropagator().fields == {"baggage"}
