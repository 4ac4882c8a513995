"""The routers of all brokers, each in its test broker and on its server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest

KINDS = ("memory", "nats", "redis", "rabbit", "kafka", "confluent")
MODES = ("test", "server")
NAMES = {"nats": "Nats", "redis": "Redis", "rabbit": "Rabbit", "memory": "Memory"}
DEFAULTS = {
    "nats": "nats://localhost:4222",
    "redis": "redis://localhost:6379",
    "rabbit": "amqp://guest:guest@localhost:5672/",
    "kafka": "localhost:9092",
}
NOWHERE = {
    "nats": "nats://127.0.0.1:1",
    "redis": "redis://127.0.0.1:1",
    "rabbit": "amqp://guest:guest@127.0.0.1:1/",
    "kafka": "127.0.0.1:1",
    "confluent": "127.0.0.1:1",
}


@dataclass
class Plugin:
    """One broker's router and what a test needs of it; `mode` is "test" or "server"."""

    kind: str
    mode: str = "test"

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

    @property
    def address(self) -> str | None:
        """Where the server is."""
        server = "kafka" if self.kind == "confluent" else self.kind
        return os.environ.get(f"ANYSTREAM_{server.upper()}_URL") or DEFAULTS.get(server)

    def router(self, *address: str, **options: Any) -> Any:
        """A new router, for the server of the tests by default."""
        made = getattr(self.module, f"{self.name}Router")
        found = address or ([self.address] if self.address else [])
        return made(*found, **{"logger": None, **options})

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

    def reads(self, router: Any, name: str, **options: Any) -> Any:
        """A subscriber of `name` that leaves nothing behind and misses nothing."""
        if self.kind == "rabbit":
            return router.subscriber(self.package.RabbitQueue(name, auto_delete=True), **options)
        if self.name == "Kafka":
            options["auto_offset_reset"] = "earliest"
        return router.subscriber(name, **options)

    def reads_below(self, router: Any, name: str) -> tuple[Any, Callable[..., Any]]:
        """A subscriber of all addresses below `name`, the rest of which is `who`, and what
        publishes to one of them, `<name>.ann`."""
        if self.name == "Kafka":
            pattern = name.replace(".", r"\.") + r"\.{who}"
            made = router.subscriber(pattern=pattern, auto_offset_reset="earliest")
            return made, lambda body: router.broker.publish(body, f"{name}.ann")
        if self.kind == "rabbit":
            package = self.package
            exchange = package.RabbitExchange(
                name, type=package.ExchangeType.TOPIC, auto_delete=True
            )
            queue = package.RabbitQueue(name, routing_key=f"{name}.{{who}}", auto_delete=True)
            made = router.subscriber(queue, exchange)
            return made, lambda body: router.broker.publish(
                body, routing_key=f"{name}.ann", exchange=exchange
            )
        made = router.subscriber(f"{name}.{{who}}")
        return made, lambda body: router.broker.publish(body, f"{name}.ann")

    @asynccontextmanager
    async def running(self, app: Any, *routers: Any) -> AsyncIterator[Any]:
        """Starts the application as a server does, in `mode` "test" within test brokers; gives
        what a client may talk to."""
        async with AsyncExitStack() as stack:
            if self.mode == "test":
                for router in routers:
                    await stack.enter_async_context(self.testing(router.broker))
            yield await stack.enter_async_context(lifespan_of(app))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """A broker that needs no server here."""
    return str(request.param)


def _modes() -> Iterator[Any]:
    for kind in KINDS:
        for mode in MODES:
            marks = [getattr(pytest.mark, kind)] if mode == "server" or kind == "memory" else []
            yield pytest.param((kind, mode), id=f"{kind}-{mode}", marks=marks)


@pytest.fixture(params=_modes())
def plugin(request: pytest.FixtureRequest) -> Plugin:
    """Each broker's router, in its test broker and on its server."""
    return Plugin(*request.param)


@pytest.fixture
def new_name(plugin: Plugin, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Makes addresses, each with what is given at its end; topics of Kafka are made there."""

    def make(end: str = "") -> str:
        name = f"fastapi-{uuid4().hex[:10]}{end}"
        if plugin.name == "Kafka" and plugin.mode == "server":
            from confluent_kafka.admin import AdminClient, NewTopic

            admin = AdminClient({"bootstrap.servers": plugin.address})
            for future in admin.create_topics([NewTopic(name, 1, 1)]).values():
                future.result()
            request.addfinalizer(lambda: admin.delete_topics([name])[name].result())
        return name

    return make


@asynccontextmanager
async def lifespan_of(app: Any) -> AsyncIterator[Any]:
    """Runs the lifespan of an application as a server does; gives it with the state in requests."""
    from asgi_lifespan import LifespanManager

    async with LifespanManager(app, startup_timeout=60, shutdown_timeout=60) as manager:
        yield manager.app
