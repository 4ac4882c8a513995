"""An application that servers of the tests serve: HTTP and messages of NATS in one process."""

import asyncio
import os
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel

from anystream.fastapi.nats import NatsRouter

subject = os.environ["SUBJECT"]
router = NatsRouter(os.environ["NATS"], logger=None)
got: asyncio.Queue[Any] = asyncio.Queue()


class Order(BaseModel):
    """What is ordered."""

    name: str


@router.subscriber(subject)
@router.publisher(subject + ".done")
async def handle(order: Order) -> str:
    return order.name.upper()


@router.subscriber(subject + ".done")
async def done(text: str) -> None:
    await got.put(text)


@router.post("/orders")
async def create(order: Order, request: Request) -> str:
    await request.state.broker.publish(order, subject)
    found: str = await asyncio.wait_for(got.get(), 10)
    return found


app = FastAPI()
app.include_router(router)
