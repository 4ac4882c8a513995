"""Tests without a server: Kafka (confluent-kafka)."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from anystream.confluent import TestKafkaBroker
from anystream.fastapi.confluent import KafkaRouter

router = KafkaRouter("localhost:9092")


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
    async with TestKafkaBroker(router.broker) as broker:
        await broker.publish("tea", "orders")
        handle.mock.assert_called_once_with("tea")


@pytest.mark.asyncio
async def test_request() -> None:
    async with TestKafkaBroker(router.broker):
        with TestClient(app) as client:
            assert client.post("/orders/tea").json() == "ordered"
        handle.mock.assert_called_once_with("tea")
