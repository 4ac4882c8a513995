"""Two brokers before the global provider of metrics is set, one after it; prints the counters."""

from __future__ import annotations

import asyncio
import json

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from anystream.memory import MemoryBroker, TestMemoryBroker
from anystream.memory.opentelemetry import MemoryTelemetryMiddleware


def make() -> MemoryBroker:
    return MemoryBroker(logger=None, middlewares=[MemoryTelemetryMiddleware()])


async def main() -> None:
    brokers = [make(), make()]
    reader = InMemoryMetricReader()
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
    print(json.dumps(counted))


if __name__ == "__main__":
    asyncio.run(main())
