from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

from anystream.nats import NatsBroker
from anystream.nats.opentelemetry import NatsTelemetryMiddleware
from anystream.opentelemetry import CurrentBaggage, CurrentSpan

provider = TracerProvider(resource=Resource({"service.name": "shop"}))
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))

broker = NatsBroker(middlewares=[NatsTelemetryMiddleware(tracer_provider=provider)])


@broker.subscriber("orders")
@broker.publisher("invoices")
async def handle(item: str, span: CurrentSpan, baggage: CurrentBaggage) -> str:
    span.set_attribute("shop.item", item)
    baggage.set("item", item)  # goes along with what is published from here on
    return f"invoice for {baggage.get('user')}"
