"""The routers of all brokers, in their test brokers and on their servers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest

KINDS = ("memory", "nats", "redis", "rabbit", "kafka", "confluent")
NAMES = {"nats": "Nats", "redis": "Redis", "rabbit": "Rabbit", "memory": "Memory"}
DEFAULTS = {
    "nats": "nats://localhost:4222",
    "redis": "redis://localhost:6379",
    "rabbit": "amqp://guest:guest@localhost:5672/",
    "kafka": "localhost:9092",
}


@dataclass
class Plugin:
    """One broker's router and what a test needs of it."""

    kind: str

    @property
    def module(self) -> Any:
        """`anystream.fastapi.<kind>`."""
        return import_module(f"anystream.fastapi.{self.kind}")

    @property
    def package(self) -> Any:
        """`anystream.<kind>`."""
        return import_module(f"anystream.{self.kind}")

    @property
    def name(self) -> str:
        return NAMES.get(self.kind, "Kafka")

    def router(self, **options: Any) -> Any:
        """A new router for the server of the tests."""
        server = "kafka" if self.kind == "confluent" else self.kind
        address = os.environ.get(f"ANYSTREAM_{server.upper()}_URL") or DEFAULTS.get(server)
        made = getattr(self.module, f"{self.name}Router")
        return made(*([address] if address else []), **{"logger": None, **options})

    def plain_router(self, **options: Any) -> Any:
        """A router of the broker package."""
        return getattr(self.package, f"{self.name}Router")(**options)

    def testing(self, broker: Any) -> Any:
        """The test broker."""
        return getattr(self.package, f"Test{self.name}Broker")(broker)

    @property
    def message(self) -> Any:
        """The annotation of a message."""
        return getattr(self.module, f"{self.name}Message")

    @property
    def from_the_start(self) -> dict[str, Any]:
        """Options of a subscriber that must not miss what was sent before it was ready."""
        return {"auto_offset_reset": "earliest"} if self.name == "Kafka" else {}


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in KINDS])
def plugin(request: pytest.FixtureRequest) -> Plugin:
    return Plugin(request.param)


@pytest.fixture
def memory() -> Plugin:
    return Plugin("memory")


@pytest.fixture
def new_name(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes addresses; topics of Kafka are made on the server."""

    def make() -> str:
        name = f"fastapi-{uuid4().hex[:10]}"
        params = getattr(getattr(request.node, "callspec", None), "params", {})
        if params.get("plugin") in ("kafka", "confluent"):
            from confluent_kafka.admin import AdminClient, NewTopic

            url = os.environ.get("ANYSTREAM_KAFKA_URL") or DEFAULTS["kafka"]
            admin = AdminClient({"bootstrap.servers": url})
            for future in admin.create_topics([NewTopic(name, 1, 1)]).values():
                future.result()
            request.addfinalizer(lambda: admin.delete_topics([name])[name].result())
        return name

    return make


@asynccontextmanager
async def lifespan_of(app: Any) -> AsyncIterator[None]:
    """Runs the lifespan of an application as a server does."""
    from asgi_lifespan import LifespanManager

    async with LifespanManager(app, startup_timeout=30, shutdown_timeout=30):
        yield
