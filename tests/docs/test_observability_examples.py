"""The examples of docs_src/observability."""

from __future__ import annotations

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from anystream.nats import TestNatsBroker
from docs_src.observability import labels, metrics, starting_baggage, traces
from tests.serving import serve

pytestmark = pytest.mark.memory


async def test_metrics() -> None:
    """What the broker counted is served."""
    async with TestNatsBroker(metrics.broker):
        await metrics.broker.publish("tea", "orders")
        async with serve(metrics.app) as address, httpx.AsyncClient() as client:
            answer = await client.get(f"http://{address}/metrics", follow_redirects=True)
    expected = 'received_messages_total{app_name="shop",broker="nats",handler="orders"} 1.0'
    assert f"anystream_{expected}" in answer.text


def test_labels() -> None:
    """A label of the message, also where there is none."""
    assert labels.tenant(None) == "none"
    assert labels.middleware is not None


async def test_traces_and_baggage() -> None:
    """The span has the handler's attribute, the invoice the baggage of who ordered."""
    exporter = InMemorySpanExporter()
    traces.provider.add_span_processor(SimpleSpanProcessor(exporter))
    invoices = []

    @traces.broker.subscriber("invoices")
    async def collect(text: str) -> None:
        invoices.append(text)

    async with TestNatsBroker(traces.broker):
        await starting_baggage.order(traces.broker, "john")
    traces.provider.shutdown()
    assert invoices == ["invoice for john"]
    (span,) = [span for span in exporter.get_finished_spans() if span.name == "orders process"]
    assert (span.attributes or {})["shop.item"] == "tea"
