"""Arguments that no message can fill are refused at the start."""

import logging
from typing import Annotated, Any

import fastapi
import pytest

from anystream.core import Depends, StreamMessage
from anystream.core.argument_checks import UnderlyingDriverAnnotation
from anystream.core.context import ContextRepo
from anystream.core.exceptions import SetupError
from anystream.memory import MemoryBroker, MemoryRouter, TestMemoryBroker
from anystream.memory.broker import MemoryBroker as BrokerClass
from anystream.memory.message import MemoryMessage as MessageClass


class Client:
    """Some driver's class."""


async def start(handler: Any, **options: Any) -> None:
    """Declares and starts."""
    broker = MemoryBroker(logger=None, **options)
    broker.subscriber("in")(handler)
    async with TestMemoryBroker(broker):
        pass


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        (BrokerClass, r"from anystream\.memory\.annotations import MemoryBroker"),
        (MessageClass, r"from anystream\.memory\.annotations import MemoryMessage"),
        (MessageClass | None, r"from anystream\.memory\.annotations import MemoryMessage"),
        (ContextRepo, r"from anystream\.(core|memory)\.annotations import ContextRepo"),
        (logging.Logger, r"from anystream\.core import Logger"),
        (StreamMessage, r"Context"),
    ],
)
async def test_raw_classes(kind: Any, advice: str) -> None:
    """The error names the handler, the argument, and the alias to import."""

    async def handler(body: int, wrong: kind) -> None: ...

    with pytest.raises(SetupError, match=rf"handler.*test_argument_checks\.py.*wrong.*{advice}"):
        await start(handler)


async def test_all_of_them_at_once() -> None:
    """One error for all arguments, those of dependencies too."""

    async def dependency(second: MessageClass) -> None: ...

    async def handler(first: BrokerClass, x: Annotated[Any, Depends(dependency)]) -> None: ...

    with pytest.raises(SetupError, match=r"first.*second"):
        await start(handler)


@pytest.mark.parametrize("level", ["broker", "router"])
async def test_ones_own_classes(level: str) -> None:
    """Brokers and routers can be told about more classes."""

    async def handler(client: Client) -> None: ...

    full = {Client: UnderlyingDriverAnnotation(Client, "drivers", "Client")}
    short = {Client: "from drivers import Client"}
    broker = MemoryBroker(
        logger=None, underlying_driver_annotations=full if level == "broker" else {}
    )
    router = MemoryRouter(underlying_driver_annotations=short if level == "router" else None)
    broker.include_router(router)
    router.subscriber("in")(handler)
    with pytest.raises(SetupError, match="from drivers import Client"):
        await broker.start()


async def test_aliases_themselves_are_fine() -> None:
    """What the error advises works."""
    from anystream.core import Logger
    from anystream.memory import MemoryMessage
    from anystream.memory.annotations import MemoryBroker as Alias

    async def handler(broker: Alias, message: MemoryMessage, logger: Logger) -> None: ...

    await start(handler)


@pytest.mark.parametrize("style", ["default", "annotated"])
async def test_markers_of_fastapi(style: str) -> None:
    """FastAPI's Depends in a handler is an error that names the right import."""

    def dependency() -> int:
        return 1

    async def default(x: int = fastapi.Depends(dependency)) -> None: ...

    async def annotated(x: Annotated[int, fastapi.Depends(dependency)]) -> None: ...

    with pytest.raises(SetupError, match=r"`x` has FastAPI's Depends.*anystream\.core"):
        await start(default if style == "default" else annotated)


async def test_without_types_nothing_is_checked() -> None:
    """`apply_types=False` leaves annotations alone."""

    async def handler(body: BrokerClass) -> None: ...

    await start(handler, apply_types=False)
