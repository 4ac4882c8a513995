"""What metrics and traces add to a message: with both middlewares, less without any."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nats.aio.msg import Msg
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry

from tests.benchmarks.bodies import DATA, Counter, Order, api, headers, nats_url, unique
from tests.benchmarks.child import Round
from tests.benchmarks.pipeline import caught

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """`traced`: messages come with a trace, as they do where their publishers have one, too;
    `new traces`: they come without; `without SDK`: with a trace, but nobody records spans or the
    metrics of OpenTelemetry, so that the cost of its SDK, the same for all, is not in it."""
    counter, subject = Counter(), unique()
    plain, observed = broker_of(side, counter, subject), broker_of(side, counter, subject)
    for middleware in middlewares(case, side):
        observed.add_middleware(middleware)
    callbacks = [await caught(plain), await caught(observed)]
    head = headers()
    if case != "new traces":
        head["traceparent"] = TRACE

    async def one_round(count: int) -> dict[str, float]:
        costs = []
        for callback in callbacks:
            message = Msg(_client=plain.connection, subject=subject, data=DATA, headers=head)
            counter.expect(count)
            for number in range(count):
                await callback(message)
                if number % 100 == 99:
                    await asyncio.sleep(0)
            costs.append(await counter.cost(count))
        return {case: costs[1] - costs[0]}

    yield one_round
    await plain.stop()
    await observed.stop()


def broker_of(side: str, counter: Counter, subject: str) -> Any:
    """A broker with one subscriber that counts."""
    broker = api(side).module("nats").NatsBroker(nats_url(), logger=None)

    async def handle(order: Order) -> None:
        counter.one()

    broker.subscriber(subject)(handle)
    return broker


def middlewares(case: str, side: str) -> list[Any]:
    """Both; with real providers, that export nothing, or the ones of the bare API."""
    modules = api(side)
    providers: dict[str, Any] = {}
    if case != "without SDK":
        providers = {"tracer_provider": TracerProvider(), "meter_provider": MeterProvider()}
    return [
        modules.module("nats.opentelemetry").NatsTelemetryMiddleware(**providers),
        modules.module("nats.prometheus").NatsPrometheusMiddleware(registry=CollectorRegistry()),
    ]
