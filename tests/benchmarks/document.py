"""How long the AsyncAPI document of many subscribers takes: schemas, document, JSON text."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel, create_model

from tests.benchmarks.child import Round


class Order(BaseModel):
    user: str
    id: int


def _broker(side: str) -> tuple[Any, Any]:
    if side == "faststream":
        from faststream import AsyncAPI
        from faststream.nats import NatsBroker
    else:
        from anystream.nats import NatsBroker  # type: ignore[assignment]
        from anystream.specification import AsyncAPI  # type: ignore[assignment]
    return NatsBroker(), AsyncAPI


def _declared(side: str, case: str, count: int) -> Any:
    """A factory of the document of a new broker."""
    broker, factory = _broker(side)
    for number in range(count):
        model: Any = Order
        if case == "own models":
            model = create_model(f"Order{number}", user=(str, ...), id=(int, ...))

        async def handle(body: Any) -> None: ...

        handle.__annotations__["body"] = model
        broker.subscriber(f"in.{number}")(handle)
    return factory(broker)


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """A new broker for each round: what is known of one is of no use to the next."""

    async def one_round(count: int) -> dict[str, float]:
        source = _declared(side, case, count)
        began = time.process_time()
        source.to_specification().to_json()
        return {case: (time.process_time() - began) * 1e3}

    yield one_round
