"""Tests without a server: RabbitMQ."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from anystream.fastapi.rabbit import RabbitRouter
from anystream.rabbit import TestRabbitBroker

router = RabbitRouter("amqp://guest:guest@localhost:5672/")


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
    async with TestRabbitBroker(router.broker) as broker:
        await broker.publish("tea", "orders")
        handle.mock.assert_called_once_with("tea")


@pytest.mark.asyncio
async def test_request() -> None:
    async with TestRabbitBroker(router.broker):
        with TestClient(app) as client:
            assert client.post("/orders/tea").json() == "ordered"
        handle.mock.assert_called_once_with("tea")
