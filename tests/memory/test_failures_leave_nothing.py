"""A failed message and its exception are let go at once, not when the garbage is collected."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ReferenceType, ref

import anyio
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry

from anystream.core import BaseMiddleware, ExceptionMiddleware
from anystream.memory import MemoryBroker
from anystream.memory.opentelemetry import MemoryTelemetryMiddleware
from anystream.memory.prometheus import MemoryPrometheusMiddleware

pytestmark = pytest.mark.memory


class Boom(Exception):
    """What handlers raise here."""


class Around(BaseMiddleware):
    """Looks at every message."""

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        return await call_next(msg)

    async def after_processed(self, *_: Any) -> None: ...


AROUND: dict[str, Callable[[], Any]] = {
    "a middleware": lambda: Around,
    "metrics": lambda: MemoryPrometheusMiddleware(registry=CollectorRegistry()),
    "traces": lambda: MemoryTelemetryMiddleware(
        tracer_provider=TracerProvider(), meter_provider=MeterProvider()
    ),
    "an exception handler": lambda: ExceptionMiddleware({ValueError: print}),
}


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("around", [None, *AROUND])
async def test_exceptions_are_let_go(around: str | None) -> None:
    """Nothing in the pipeline holds an exception in a circle with its own traceback."""
    broker = MemoryBroker(logger=None, middlewares=[AROUND[around]()] if around else [])
    raised: list[ReferenceType[Boom]] = []

    @broker.subscriber("orders")
    async def handle(body: str) -> None:
        error = Boom(body)
        raised.append(ref(error))
        try:
            raise error
        finally:
            del error

    await broker.start()
    await broker.publish("tea", "orders")
    with anyio.fail_after(10):
        while not raised or raised[0]() is not None:
            await asyncio.sleep(0)
    await broker.stop()
