"""Tests without a server: the embedded broker."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from anystream.fastapi.memory import MemoryRouter
from anystream.memory import TestMemoryBroker

router = MemoryRouter()


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
    async with TestMemoryBroker(router.broker) as broker:
        await broker.publish("tea", "orders")
        handle.mock.assert_called_once_with("tea")


@pytest.mark.asyncio
async def test_request() -> None:
    async with TestMemoryBroker(router.broker):
        with TestClient(app) as client:
            assert client.post("/orders/tea").json() == "ordered"
        handle.mock.assert_called_once_with("tea")
