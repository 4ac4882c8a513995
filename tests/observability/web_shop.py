"""An HTTP application that publishes: instrumented by OpenTelemetry itself, spans go to a file.

`python -m … BROKER ADDRESS PORT FILE`
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from anystream.starlette import get_broker, setup
from tests.observability.native import NATIVES


def write_spans(exporter: InMemorySpanExporter, file: str) -> None:
    """Writes what has ended, a JSON line for each span."""
    with open(file, "w") as lines:
        for span in exporter.get_finished_spans():
            lines.write(span.to_json(indent=None) + "\n")


def exporting(service: str) -> InMemorySpanExporter:
    """Makes the provider of this process, and the exporter behind it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


def main(name: str, address: str, port: str, file: str) -> None:
    exporter = exporting("shop")
    (native,) = [one for one in NATIVES if one.name == name]

    async def order(request: Request) -> PlainTextResponse:
        broker: Any = get_broker(request)
        await broker.publish("tea", **{native.target: address})
        return PlainTextResponse("ordered", status_code=202)

    app = Starlette(routes=[Route("/orders", order, methods=["POST"])])
    setup(app, native.broker(native.telemetry()))
    try:
        uvicorn.run(
            OpenTelemetryMiddleware(app), host="127.0.0.1", port=int(port), log_level="warning"
        )
    finally:
        write_spans(exporter, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
