"""Each broker on its server: how one subscribes and publishes, where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.broker_probes import TARGETS


@dataclass(frozen=True)
class Native:
    """One broker.

    Args:
        name: its package.
        words: what its classes begin with.
        server: where it runs; empty for the embedded one.
        system: what metrics and spans call it.
        target: the keyword of `publish` that takes the address.
        wildcard: `handler` and `destination` of an address.
        options: of the subscriber.
    """

    name: str
    words: str
    server: str
    system: str
    target: str
    shown: str = "{}"
    options: Mapping[str, Any] = field(default_factory=dict)

    def broker(self, *middlewares: Any) -> Any:
        kind = getattr(import_module(f"anystream.{self.name}"), f"{self.words}Broker")
        where = [TARGETS[self.server].url] if self.server else []
        return kind(*where, logger=None, middlewares=middlewares)

    def test_broker(self, broker: Any) -> Any:
        return getattr(import_module(f"anystream.{self.name}"), f"Test{self.words}Broker")(broker)

    def telemetry(self, **options: Any) -> Any:
        module = import_module(f"anystream.{self.name}.opentelemetry")
        return getattr(module, f"{self.words}TelemetryMiddleware")(**options)

    def prometheus(self, **options: Any) -> Any:
        module = import_module(f"anystream.{self.name}.prometheus")
        return getattr(module, f"{self.words}PrometheusMiddleware")(**options)


EARLIEST = {"auto_offset_reset": "earliest"}
NATIVES = (
    Native("memory", "Memory", "", "memory", "subject"),
    Native("nats", "Nats", "nats", "nats", "subject"),
    Native("redis", "Redis", "redis", "redis", "channel"),
    Native("rabbit", "Rabbit", "rabbit", "rabbitmq", "queue", "default.{}"),
    Native("kafka", "Kafka", "kafka", "kafka", "topic", "{}", EARLIEST),
    Native("confluent", "Kafka", "kafka", "kafka", "topic", "{}", EARLIEST),
)
ALL = [pytest.param(one, id=one.name, marks=getattr(pytest.mark, one.name)) for one in NATIVES]
EMBEDDED = NATIVES[0]


class Exported:
    """Spans that have ended, by name."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def one(self, name: str) -> ReadableSpan:
        (found,) = self.named(name)
        return found

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all if span.name == name]


def child_of(child: ReadableSpan, parent: ReadableSpan) -> bool:
    """Whether one span is directly below another, in one trace."""
    above = child.parent
    return (
        above is not None
        and above.span_id == parent.context.span_id
        and child.context.trace_id == parent.context.trace_id
    )
