"""`Subscriber.explain()`: the frozen pipeline as text, held against golden files.

Set ANYSTREAM_UPDATE_GOLDEN=1 to write the files anew, and read the difference.
"""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path as File
from typing import Annotated, Any

import msgspec
import pytest
from fast_depends.msgspec import MsgSpecSerializer
from pydantic import BaseModel

from anystream.core import (
    AckPolicy,
    BaseMiddleware,
    Context,
    Depends,
    Header,
    Logger,
    NoCast,
    Path,
)
from anystream.core.subscriber import Subscriber
from anystream.memory import MemoryBroker, MemoryRouter

GOLDEN = File(__file__).parent / "golden"
CASES: dict[str, Callable[[], Subscriber]] = {}


class Order(BaseModel):
    user: str


class OrderStruct(msgspec.Struct):
    user: str


async def session() -> AsyncIterator[str]:
    """A dependency with an end."""
    yield "s"


def settings(limit: int = 3) -> int:
    """A plain dependency."""
    return limit


async def check_token(token: Annotated[str, Header()]) -> None:
    """A dependency of the broker."""


class Tracing(BaseMiddleware):
    """A middleware."""

    async def on_receive(self) -> None:
        """Nothing."""


def case(make: Callable[[], Subscriber]) -> Callable[[], Subscriber]:
    CASES[make.__name__] = make
    return make


@case
def one_model() -> Subscriber:
    subscriber = MemoryBroker(logger=None).subscriber("orders")

    @subscriber
    async def handle(order: Order) -> None: ...

    return subscriber


@case
def struct_and_publishers() -> Subscriber:
    broker = MemoryBroker(logger=None, serializer=MsgSpecSerializer())
    subscriber = broker.subscriber("orders", no_reply=True)

    @subscriber
    @broker.publisher("invoices")
    @broker.publisher("audit")
    async def handle(order: OrderStruct) -> dict[str, str]:
        return {}

    return subscriber


@case
def every_kind_of_argument() -> Subscriber:
    broker = MemoryBroker(logger=None, dependencies=[Depends(check_token)])
    subscriber = broker.subscriber("orders.{country}", ack_policy=AckPolicy.NACK_ON_ERROR)

    @subscriber
    async def handle(
        order: Order,
        amount: int,
        raw: NoCast[int],
        logger: Logger,
        country: Annotated[str, Path()],
        tries: Annotated[int, Header("x-tries", default=0)],
        correlation: Annotated[str, Context("message.correlation_id")],
        opened: Annotated[str, Depends(session)],
        limit: Annotated[int, Depends(settings)],
    ) -> Order:
        return order

    return subscriber


@case
def middlewares_filters_and_parser() -> Subscriber:
    broker = MemoryBroker(logger=None, middlewares=[Tracing])
    router = MemoryRouter("v1.", ack_policy=AckPolicy.ACK_FIRST)
    broker.include_router(router, prefix="api.")

    async def own_parser(raw: Any, original: Any) -> Any:
        return await original(raw)

    def is_json(message: Any) -> bool:
        return message.content_type == "application/json"

    subscriber = router.subscriber("orders", parser=own_parser, max_workers=4)

    @subscriber(filter=is_json)
    async def structured(order: Order) -> None: ...

    @subscriber
    def anything(body: Any) -> None: ...

    return subscriber


@case
def batch_by_hand() -> Subscriber:
    subscriber = MemoryBroker(logger=None).subscriber(
        "orders", batch=True, ack_policy=AckPolicy.MANUAL
    )

    @subscriber
    async def handle(orders: list[Order]) -> None: ...

    return subscriber


@case
def left_to_fastdepends() -> Subscriber:
    subscriber = MemoryBroker(logger=None).subscriber("orders")

    @subscriber
    async def handle(*parts: Any) -> None: ...

    return subscriber


@pytest.mark.parametrize("name", CASES)
def test_explain(name: str) -> None:
    """The text is exactly that of the file."""
    text = CASES[name]().explain() + "\n"
    text = text.replace("Optional[int]", "int | None")  # Python's own form differs by version
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("ANYSTREAM_UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


def test_every_golden_file_has_its_case() -> None:
    """No file is left over."""
    assert {file.stem for file in GOLDEN.glob("*.txt")} == set(CASES)
