"""Consuming through the FastAPI plugin: one model and one `Depends`."""

# FastAPI evaluates annotations of this module: no `from __future__ import annotations` here.
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI

from tests.benchmarks.bodies import Counter, Order, known_to_server, nats_url, unique
from tests.benchmarks.child import Round, say


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """A running application of one side."""
    counter, subject = Counter(), unique()

    async def one_round(count: int) -> dict[str, float]:
        counter.expect(count)
        say(flood={"subjects": [subject], "count": count, "stream": False})
        return {case: await counter.cost(count)}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FastStream's plugin says that it will go
        if side == "faststream":
            from faststream.nats.fastapi import NatsRouter
        else:
            from anystream.fastapi.nats import NatsRouter
    router = NatsRouter(nats_url(), logger=None)

    async def number() -> int:
        return 1

    @router.subscriber(subject)
    async def handle(order: Order, one: Annotated[int, Depends(number)]) -> None:
        counter.one()

    app = FastAPI()
    app.include_router(router)
    async with app.router.lifespan_context(app):
        connection = router.broker.connection if side != "faststream" else router.broker._connection
        await known_to_server(connection)
        yield one_round
