"""The examples of docs_src/fastapi, for every broker."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

import pytest
from asgi_lifespan import LifespanManager
from fastapi.testclient import TestClient

from tests.fastapi_plugin.conftest import KINDS, Plugin

EXAMPLES = (
    "docs_src.fastapi.nats.base",
    "docs_src.fastapi.nats.send",
    "docs_src.fastapi.nats.depends",
    "docs_src.fastapi.nats.startup",
    "docs_src.fastapi.nats.router",
    "docs_src.fastapi.nats.test",
    "docs_src.fastapi.nats.multiple",
    "docs_src.fastapi.kafka.base",
    "docs_src.fastapi.kafka.send",
    "docs_src.fastapi.kafka.depends",
    "docs_src.fastapi.kafka.startup",
    "docs_src.fastapi.kafka.router",
    "docs_src.fastapi.kafka.test",
    "docs_src.fastapi.kafka.multiple",
    "docs_src.fastapi.confluent.base",
    "docs_src.fastapi.confluent.send",
    "docs_src.fastapi.confluent.depends",
    "docs_src.fastapi.confluent.startup",
    "docs_src.fastapi.confluent.router",
    "docs_src.fastapi.confluent.test",
    "docs_src.fastapi.confluent.multiple",
    "docs_src.fastapi.rabbit.base",
    "docs_src.fastapi.rabbit.send",
    "docs_src.fastapi.rabbit.depends",
    "docs_src.fastapi.rabbit.startup",
    "docs_src.fastapi.rabbit.router",
    "docs_src.fastapi.rabbit.test",
    "docs_src.fastapi.rabbit.multiple",
    "docs_src.fastapi.redis.base",
    "docs_src.fastapi.redis.send",
    "docs_src.fastapi.redis.depends",
    "docs_src.fastapi.redis.startup",
    "docs_src.fastapi.redis.router",
    "docs_src.fastapi.redis.test",
    "docs_src.fastapi.redis.multiple",
    "docs_src.fastapi.memory.base",
    "docs_src.fastapi.memory.send",
    "docs_src.fastapi.memory.depends",
    "docs_src.fastapi.memory.startup",
    "docs_src.fastapi.memory.router",
    "docs_src.fastapi.memory.test",
    "docs_src.fastapi.memory.multiple",
)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def example(kind: str, name: str) -> Any:
    (found,) = (it for it in EXAMPLES if it.split(".")[2:] == [kind, name])
    return import_module(found)


async def test_base(kind: str) -> None:
    """A message is handled with a dependency, a header and a background task."""
    module = example(kind, "base")
    async with Plugin(kind).testing(module.router.broker) as broker:
        await broker.publish({"item": "tea", "amount": 2}, "orders", headers={"customer": "ann"})
        (publisher,) = broker.publishers
        publisher.mock.assert_called_once_with({"customer": "ann", "total": 6})
        with TestClient(module.app) as client:
            assert client.get("/price").json() == 3
    assert len(module.audit) == 1


@pytest.mark.parametrize("case", ["send orders", "depends orders", "depends again"])
async def test_publishing(kind: str, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoints publish through the router's broker."""
    name, path = case.split()
    module = example(kind, name)
    async with Plugin(kind).testing(module.router.broker) as broker:
        published: list[Any] = []

        async def note(command: Any) -> None:
            published.append(command.body)

        monkeypatch.setattr(broker, "publish_command", note)
        with TestClient(module.app) as client:
            assert client.post(f"/{path}/tea").json() == "ordered"
    assert published == [{"item": "tea"}]


async def test_startup(kind: str) -> None:
    """The hooks run when the broker can publish."""
    module = example(kind, "startup")
    async with Plugin(kind).testing(module.router.broker), LifespanManager(module.app):
        assert module.seen == ["here we are"]
    assert module.seen == ["here we are", "gone"]


async def test_router(kind: str) -> None:
    """The plain router has its prefix."""
    module = example(kind, "router")
    async with Plugin(kind).testing(module.router.broker) as broker:
        await broker.publish({"item": "tea"}, "shop-orders")
        module.ship.mock.assert_called_once_with({"item": "tea"})


async def test_test(kind: str) -> None:
    """The tests pass."""
    module = example(kind, "test")
    await module.test_message()
    await module.test_request()


async def test_multiple(kind: str) -> None:
    """A handler of one broker publishes through the other."""
    module, plugin = example(kind, "multiple"), Plugin(kind)
    async with AsyncExitStack() as stack:
        for router in (module.shop, module.store):
            await stack.enter_async_context(plugin.testing(router.broker))
        await module.shop.broker.publish("tea", "orders")
        await asyncio.wait_for(module.pack.wait_call(), 5)
        module.pack.mock.assert_called_once_with("tea")
