"""Handlers in modules with `from __future__ import annotations`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from anystream.core import Context, Depends, FastStream, Header, Logger, TestApp
from anystream.core.exceptions import BindingError
from anystream.memory import MemoryBroker, MemoryRoute, MemoryRouter, TestMemoryBroker


class Shadowed(BaseModel):
    outer: int


async def start_elsewhere(broker: MemoryBroker) -> None:
    """Starts a broker in a task without the declaring function on its stack."""
    await asyncio.get_running_loop().create_task(broker.start())


async def test_classes_local_to_the_declaring_function() -> None:
    """Annotations that name local classes are understood when another task starts the broker."""
    broker = MemoryBroker(logger=None)
    got: list[Any] = []

    def declare() -> None:
        class Local(BaseModel):
            user: str

        class Shadowed(BaseModel):
            inner: int = 1

        async def current(user: str, logger: Logger) -> Local:
            return Local(user=user + "!")

        @broker.subscriber("in")
        async def handler(
            user: str,
            other: Shadowed,
            extra: Annotated[Local, Depends(current)],
            tag: Annotated[str, Header()] = "none",
        ) -> None:
            got.append((user, other, extra.user, tag))

    declare()
    await start_elsewhere(broker)
    async with broker:
        await broker.publish({"user": "u", "other": {"inner": 3}}, "in", headers={"tag": "t"})
        while not got:
            await asyncio.sleep(0)
    user, other, extra, tag = got[0]
    assert (user, other.inner, extra, tag) == ("u", 3, "u!", "t")


async def test_routes_and_keyword_decorators() -> None:
    """Deferred routes and `@sub(filter=...)` find local names, too."""
    got: list[Any] = []

    class Local(BaseModel):
        user: str

    async def routed(body: Local) -> None:
        got.append(body)

    broker = MemoryBroker(routers=[MemoryRouter(handlers=[MemoryRoute(routed, "routed")])])
    subscriber = broker.subscriber("filtered")

    @subscriber(filter=lambda message: True)
    async def filtered(body: Local) -> None:
        got.append(body)

    async with TestMemoryBroker(broker):
        await broker.publish({"user": "a"}, "routed")
        await broker.publish({"user": "b"}, "filtered")
    assert got == [Local(user="a"), Local(user="b")]


async def test_names_defined_after_the_handler() -> None:
    """A name of the module that comes later in the file is found at the start."""
    broker = MemoryBroker(logger=None)
    got: list[Any] = []

    @broker.subscriber("in")
    async def handler(body: DefinedBelow) -> None:
        got.append(body)

    async with TestMemoryBroker(broker):
        await broker.publish({"n": 1}, "in")
    assert got == [DefinedBelow(n=1)]


async def test_a_name_that_does_not_exist() -> None:
    """It is an error of ours, which names the handler and the file."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in")
    async def misspelt(body: Lokal) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Never called."""

    with pytest.raises(BindingError, match=r"misspelt.*test_forward_names\.py:\d+.*Lokal"):
        await broker.start()
    assert not broker.running


async def test_hooks_and_lifespan_with_local_names() -> None:
    """Hooks and the lifespan of an application may name local classes, too."""
    got: list[Any] = []

    def make() -> FastStream:
        class Port(BaseModel):
            number: int

        @asynccontextmanager
        async def lifespan(port: Port) -> AsyncIterator[None]:
            got.append(port.number)
            yield

        async def given(port: Port) -> None:
            got.append(port.number)

        app = FastStream(
            MemoryBroker(logger=None), logger=None, lifespan=lifespan, on_startup=[given]
        )

        @app.on_startup
        def decorated(port: Port, app: Annotated[Any, Context()]) -> None:
            got.append((port.number, app))

        return app

    app = make()

    async def run() -> None:
        async with TestApp(app, {"port": {"number": "5000"}}):
            pass

    await asyncio.get_running_loop().create_task(run())
    assert got == [5000, 5000, (5000, app)]


class DefinedBelow(BaseModel):
    n: int
