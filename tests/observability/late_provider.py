"""Two brokers before the global providers are set, one after; prints counters and spans."""

from __future__ import annotations

import asyncio
import json

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from anystream.memory import MemoryBroker, TestMemoryBroker
from anystream.memory.opentelemetry import MemoryTelemetryMiddleware


def make() -> MemoryBroker:
    return MemoryBroker(logger=None, middlewares=[MemoryTelemetryMiddleware()])


async def main() -> None:
    brokers = [make(), make()]
    async with TestMemoryBroker(brokers[0]):
        await brokers[0].publish("too early to be traced", "orders")
    reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider([reader]))
    brokers.append(make())
    for number, broker in enumerate(brokers):
        async with TestMemoryBroker(broker):
            await broker.publish("tea", f"orders-{number}")
    data = reader.get_metrics_data()
    counted = {
        str((point.attributes or {})["messaging.destination.name"]): getattr(point, "value", None)
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "messaging.publish.messages"
        for point in metric.data.data_points
    }
    spans = [span.name for span in exporter.get_finished_spans()]
    print(json.dumps({"counted": counted, "spans": spans}))


if __name__ == "__main__":
    asyncio.run(main())
