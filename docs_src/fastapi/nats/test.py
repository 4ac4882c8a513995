"""Tests without a server: NATS."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from anystream.fastapi.nats import NatsRouter
from anystream.nats import TestNatsBroker

router = NatsRouter("nats://localhost:4222")


@router.subscriber("orders")
async def handle(item: str) -> None: ...


@router.post("/orders/{item}")
async def order(item: str) -> str:
    await router.broker.publish(item, "orders")
    return "ordered"


app = FastAPI()
app.include_router(router)


@pytest.mark.asyncio
async def test_message() -> None:
    async with TestNatsBroker(router.broker) as broker:
        await broker.publish("tea", "orders")
        handle.mock.assert_called_once_with("tea")


@pytest.mark.asyncio
async def test_request() -> None:
    async with TestNatsBroker(router.broker):
        with TestClient(app) as client:
            assert client.post("/orders/tea").json() == "ordered"
        handle.mock.assert_called_once_with("tea")
