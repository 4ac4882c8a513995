"""Spans, their metrics and their baggage, on the embedded broker and in test mode."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from anystream.core import Context
from anystream.core.exceptions import OptionError
from anystream.kafka import KafkaBroker, TestKafkaBroker
from anystream.kafka.opentelemetry import KafkaTelemetryMiddleware
from anystream.memory import MemoryBroker, TestMemoryBroker
from anystream.memory.opentelemetry import MemoryTelemetryMiddleware
from anystream.opentelemetry import Baggage, CurrentBaggage, CurrentSpan
from anystream.rabbit import RabbitBroker, TestRabbitBroker
from anystream.rabbit.opentelemetry import RabbitTelemetryMiddleware
from tests.observability.native import Exported, child_of

pytestmark = pytest.mark.memory


class Measured:
    """What a meter provider has collected."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])

    def points(self) -> dict[str, list[tuple[float, dict[str, Any]]]]:
        """Count (or sum) and attributes of each point, by metric."""
        data = self._reader.get_metrics_data()
        found: dict[str, list[tuple[float, dict[str, Any]]]] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = [
                        (
                            getattr(point, "value", getattr(point, "count", 0)),
                            dict(point.attributes),
                        )
                        for point in metric.data.data_points
                    ]
        return found


def measured_broker(exported: Exported, measured: Measured) -> MemoryBroker:
    """A broker whose spans and durations can be looked at."""
    middleware = MemoryTelemetryMiddleware(
        tracer_provider=exported.provider, meter_provider=measured.provider
    )
    return MemoryBroker(logger=None, middlewares=[middleware])


async def test_message_of_a_foreign_producer_begins_a_trace() -> None:
    """Without a trace in the headers there are two spans; who started the broker is no parent."""
    exported = Exported()
    plain = MemoryBroker(logger=None)
    broker = MemoryBroker(
        plain.transport.bus,
        logger=None,
        middlewares=[MemoryTelemetryMiddleware(tracer_provider=exported.provider)],
    )

    @broker.subscriber("orders")
    async def handle(body: str) -> str:
        return "paid"

    tracer = exported.provider.get_tracer("test")
    async with broker, plain:
        with tracer.start_as_current_span("start of the application"):
            await broker.start()
        await plain.request("tea", "orders", timeout=5)
    create, process = exported.one("orders create"), exported.one("orders process")
    assert create.parent is None
    assert create.kind is SpanKind.CONSUMER
    assert child_of(process, create)
    (reply,) = [span for span in exported.all if span.kind is SpanKind.PRODUCER]
    assert child_of(reply, process)
    assert process.end_time is not None
    assert reply.end_time is not None
    assert process.end_time >= reply.end_time


async def test_spans_of_the_handler_are_inside() -> None:
    """The span of the message is the current one: what the handler traces is below it."""
    exported = Exported()
    broker = MemoryBroker(
        logger=None, middlewares=[MemoryTelemetryMiddleware(tracer_provider=exported.provider)]
    )
    tracer = exported.provider.get_tracer("test")

    @broker.subscriber("orders")
    async def handle(body: str, span: CurrentSpan) -> None:
        assert trace.get_current_span() is span
        span.set_attribute("shop", "tea")
        with tracer.start_as_current_span("inside"):
            await broker.publish("milk", "more")

    async with TestMemoryBroker(broker):
        await broker.publish("tea", "orders")
    assert not trace.get_current_span().get_span_context().is_valid
    process = exported.one("orders process")
    assert (process.attributes or {})["shop"] == "tea"
    assert child_of(exported.one("inside"), process)
    assert child_of(exported.one("more publish"), exported.one("inside"))


async def test_failures() -> None:
    """A failing handler is an error of its span, with its exception, and of the durations."""
    exported, measured = Exported(), Measured()
    broker = measured_broker(exported, measured)

    @broker.subscriber("orders")
    async def handle(body: str) -> None:
        raise ValueError("no")

    await broker.start()
    await broker.publish("tea", "orders")
    await broker.stop()
    process = exported.one("orders process")
    assert process.status.status_code is StatusCode.ERROR
    (event,) = process.events
    assert (event.attributes or {})["exception.message"] == "no"
    assert exported.one("orders publish").status.status_code is StatusCode.UNSET
    incoming = {"messaging.system": "memory", "messaging.destination_publish.name": "orders"}
    outgoing = {"messaging.system": "memory", "messaging.destination.name": "orders"}
    assert measured.points() == {
        "messaging.process.duration": [(1, {**incoming, "error.type": "ValueError"})],
        "messaging.process.messages": [(1, incoming)],
        "messaging.publish.duration": [(1, outgoing)],
        "messaging.publish.messages": [(1, outgoing)],
    }


async def test_answers_are_no_series_of_their_own() -> None:
    """Each request has an address for its answer: that has spans, but is nothing to count."""
    exported, measured = Exported(), Measured()
    broker = measured_broker(exported, measured)

    @broker.subscriber("orders")
    async def handle(body: str) -> str:
        return body

    async with broker:
        await broker.start()
        for _ in range(3):
            await broker.request("tea", "orders", timeout=10)
    points = measured.points()
    for name in ("duration", "messages"):
        for verb, key in (("process", "destination_publish"), ("publish", "destination")):
            (point,) = points[f"messaging.{verb}.{name}"]
            assert point == (3, {"messaging.system": "memory", f"messaging.{key}.name": "orders"})
    assert len([span for span in exported.all if span.name.endswith(" process")]) == 6


async def test_counters_are_optional() -> None:
    """RabbitMQ leaves them out unless they are asked for."""
    for options, counted in (({}, False), ({"include_messages_counters": True}, True)):
        measured = Measured()
        middleware = RabbitTelemetryMiddleware(
            tracer_provider=TracerProvider(), meter_provider=measured.provider, **options
        )
        broker = RabbitBroker(logger=None, middlewares=[middleware])

        @broker.subscriber("orders")
        async def handle(body: str) -> None: ...

        async with TestRabbitBroker(broker):
            await broker.publish("tea", "orders")
        points = measured.points()
        assert points["messaging.process.duration"][0][1] == {
            "messaging.system": "rabbitmq",
            "messaging.destination_publish.name": "default.orders",
        }
        assert ("messaging.process.messages" in points) is counted


async def test_batches() -> None:
    """Baggage of each message and of all; what is published alone does not count as a batch."""
    exported, found = Exported(), []
    broker = KafkaBroker(
        logger=None, middlewares=[KafkaTelemetryMiddleware(tracer_provider=exported.provider)]
    )

    @broker.subscriber("orders", batch=True)
    async def handle(bodies: list[str], baggage: CurrentBaggage) -> None:
        found.append((baggage.get_all(), baggage.get_all_batch()))
        await broker.publish("both", topic="single")

    @broker.subscriber("single")
    async def single(body: str, baggage: CurrentBaggage) -> None:
        found.append((baggage.get_all(), baggage.get_all_batch()))

    async with TestKafkaBroker(broker):
        headers = Baggage({"user": "john"}).to_headers()
        await broker.publish_batch("tea", "milk", topic="orders", headers=headers)
    assert found[0][0]["with_batch"] == "True"
    assert [item["with_batch"] for item in found[0][1]] == ["True", "True"]
    assert "with_batch" not in found[1][0]
    origin = [span for span in exported.named("orders create") if span.kind is SpanKind.CONSUMER]
    assert child_of(exported.one("single process"), origin[0])


async def test_publishing_through_another_broker_stays_in_the_trace() -> None:
    """A handler of one broker publishes with another one: the same trace and baggage."""
    exported = Exported()
    one = MemoryBroker(
        logger=None, middlewares=[MemoryTelemetryMiddleware(tracer_provider=exported.provider)]
    )
    two = KafkaBroker(
        logger=None, middlewares=[KafkaTelemetryMiddleware(tracer_provider=exported.provider)]
    )

    @one.subscriber("orders")
    @two.publisher("paid")
    async def handle(body: str) -> str:
        return body

    async with TestMemoryBroker(one), TestKafkaBroker(two):
        await one.publish("tea", "orders")
    assert child_of(exported.one("paid publish"), exported.one("orders process"))


async def test_context_has_span_and_baggage_only_while_a_message_is_handled() -> None:
    """Afterwards the next message sees its own."""
    exported, seen = Exported(), []
    broker = MemoryBroker(
        logger=None, middlewares=[MemoryTelemetryMiddleware(tracer_provider=exported.provider)]
    )

    @broker.subscriber("orders")
    async def handle(body: str, span: Any = Context("span"), baggage: Any = Context()) -> None:
        seen.append((span.get_span_context().span_id, baggage.get("n")))

    async with TestMemoryBroker(broker):
        for number in ("1", "2"):
            headers = Baggage({"n": number}).to_headers()
            headers["traceparent"] = f"00-{'1' * 32}-{number * 16}-01"
            await broker.publish(number, "orders", headers=headers)
            assert broker.context.get("span") is None
    assert len({span for span, _ in seen}) == 2


def test_all_brokers_are_seen_when_the_provider_comes_late() -> None:
    """Middlewares made before and after the global providers are set all count and trace, also one
    that had a message before (in a process of its own: a global provider is set once)."""
    script = Path(__file__).with_name("late_provider.py")
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["counted"] == {"orders": 1, "orders-0": 1, "orders-1": 1, "orders-2": 1}
    assert seen["spans"] == [
        f"orders-{number} {verb}" for number in range(3) for verb in ("create", "publish")
    ]


def test_unknown_option() -> None:
    """The nearest right name is told."""
    with pytest.raises(OptionError, match="did you mean 'tracer_provider'"):
        MemoryTelemetryMiddleware(trace_provider=None)  # type: ignore[call-arg]
