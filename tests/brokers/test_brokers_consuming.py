"""Consuming: bodies, headers, ids, foreign messages, order, workers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from anystream.core import Context, Header
from tests.brokers.harness import Can
from tests.brokers.rig import Rig, scene

needs = pytest.mark.needs
every_kind = pytest.mark.kinds("every")
Message = Annotated[Any, Context("message")]


class Order(BaseModel):
    number: int
    note: str = ""


@dataclass
class Point:
    x: int
    y: int


ID = UUID("12345678-1234-5678-1234-567812345678")
NOON = datetime(2024, 2, 29, 12, 0, tzinfo=timezone.utc)

# name: what is published, what the handler asks for, what it gets
BODIES: dict[str, tuple[Any, Any, Any]] = {
    "str": ("text", str, "text"),
    "empty str": ("", str, ""),
    "unicode": ("žluťoučký 🐎", str, "žluťoučký 🐎"),
    "str of digits": ("1", str, "1"),
    "str of digits as int": ("1", int, 1),
    "bytes": (b"\x00\xff\x80", bytes, b"\x00\xff\x80"),
    "int": (7, int, 7),
    "int as str of json": (b"7", int, 7),
    "float": (1.5, float, 1.5),
    "bool": (True, bool, True),
    "none": (None, Any, b""),
    "list": ([1, "a", None], list[Any], [1, "a", None]),
    "dict": ({"a": {"b": [1]}}, dict[str, Any], {"a": {"b": [1]}}),
    "empty dict": ({}, dict[str, Any], {}),
    "model": (Order(number=1, note="ž"), Order, Order(number=1, note="ž")),
    "dict as model": ({"number": 2}, Order, Order(number=2)),
    "list of models": ([Order(number=1)], list[Order], [Order(number=1)]),
    "dataclass": (Point(1, 2), Point, Point(1, 2)),
    "datetime": (NOON, datetime, NOON),
    "decimal": (Decimal("1.10"), Decimal, Decimal("1.10")),
    "uuid": (ID, UUID, ID),
    "large": ("x" * 100_000, str, "x" * 100_000),
    "without annotation": ({"a": 1}, Any, {"a": 1}),
    "json in bytes": (b'{"number": 3}', Order, Order(number=3)),
}


async def all_bodies(rig: Rig) -> dict[str, Any]:
    """What each body arrived as, or the exception that came instead."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)
    got: dict[str, Any] = {}

    def declare(name: str, wanted: Any) -> None:
        async def handle(body: Any) -> None:
            got[name] = body
            seen(name)

        handle.__annotations__["body"] = wanted
        subscriber(filter=lambda message: message.correlation_id == name)(handle)

    for name, (_, wanted, _) in BODIES.items():
        declare(name, wanted)
    async with rig.running(broker):
        for name, (sent, _, _) in BODIES.items():
            try:
                await rig.publish(broker, sent, address, correlation_id=name)
            except Exception as error:  # in test mode the handler's
                got[name] = error
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(seen.enough(len(BODIES)), rig.patience)
    return got


@every_kind
@pytest.mark.parametrize("name", BODIES)
def test_bodies(rig: Rig, name: str) -> None:
    """What is published arrives as the type that the handler asks for."""
    _, _, expected = BODIES[name]
    got = scene(rig, all_bodies).get(name, "nothing arrived")
    assert got == expected
    assert type(got) is type(expected)


async def test_fields_of_a_body_as_arguments(rig: Rig) -> None:
    """Several arguments are the fields of a JSON object; others are ignored."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(name: str, number: int, note: str = "none") -> None:
        seen((name, number, note))

    async with rig.running(broker):
        await rig.publish(broker, {"name": "a", "number": "5", "more": 1}, address)
        assert await seen.one() == ("a", 5, "none")


async def test_items_of_a_list_as_arguments(rig: Rig) -> None:
    """Several arguments take the items of a JSON list by position."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(first: str, second: int) -> None:
        seen((first, second))

    async with rig.running(broker):
        await rig.publish(broker, ["a", 2], address)
        assert await seen.one() == ("a", 2)


async def test_a_handler_without_arguments(rig: Rig) -> None:
    """A handler that asks for nothing is called all the same."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle() -> None:
        seen("called")

    async with rig.running(broker):
        await rig.publish(broker, {"a": 1}, address)
        assert await seen.one() == "called"


async def test_a_plain_function_as_handler(rig: Rig) -> None:
    """`def` works as `async def` does."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    loop = asyncio.get_running_loop()

    @rig.subscribe(broker, address)
    def handle(body: int) -> None:
        loop.call_soon_threadsafe(seen, body)

    async with rig.running(broker):
        await rig.publish(broker, 5, address)
        assert await seen.one() == 5


@every_kind
@needs(Can.HEADERS)
async def test_headers(rig: Rig) -> None:
    """Headers arrive in the message and as arguments."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str, message: Message, tone: str = Header()) -> None:
        seen((body, tone, message.headers["x-Case"], message.headers["empty"]))

    headers = {"tone": "loud", "x-Case": "kept", "empty": ""}
    async with rig.running(broker):
        await rig.publish(broker, "hi", address, headers=headers)
        assert await seen.one() == ("hi", "loud", "kept", "")


@needs(Can.HEADERS)
async def test_headers_are_cast(rig: Rig) -> None:
    """A header becomes the type of its argument; one that is missing takes the default."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(
        count: Annotated[int, Header("x-count")], other: str = Header(default="none")
    ) -> None:
        seen((count, other))

    async with rig.running(broker):
        await rig.publish(broker, "", address, headers={"x-count": "3"})
        assert await seen.one() == (3, "none")


@every_kind
async def test_correlation_id_of_the_publisher(rig: Rig) -> None:
    """The correlation id that was given arrives."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(message: Message) -> None:
        seen(message.correlation_id)

    async with rig.running(broker):
        await rig.publish(broker, 1, address, correlation_id="c-1")
        assert await seen.one() == "c-1"


async def test_correlation_ids_are_made(rig: Rig) -> None:
    """Without one each message gets a correlation id of its own, from `id_generator` if given."""
    ids = iter(["one", "two"])
    broker, address, seen = rig.broker(id_generator=lambda: next(ids)), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(message: Message) -> None:
        seen(message.correlation_id)

    async with rig.running(broker):
        await rig.publish(broker, 1, address)
        await rig.publish(broker, 2, address)
        assert sorted(await seen.count(2)) == ["one", "two"]


@every_kind
@needs(Can.CONTENT_TYPE)
@pytest.mark.parametrize(
    ("body", "expected"),
    [("text", "text/plain"), ({"a": 1}, "application/json"), (b"raw", None)],
    ids=["text", "json", "bytes"],
)
async def test_content_type(rig: Rig, body: Any, expected: str | None) -> None:
    """The content type says how the body was encoded; of bytes nobody knows."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(message: Message) -> None:
        seen(message.content_type)

    async with rig.running(broker):
        await rig.publish(broker, body, address)
        assert (await seen.one() or None) == expected


async def test_the_message_object(rig: Rig) -> None:
    """The annotation of the package hands out its message class, with ids and the raw message."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    async def handle(message: Any) -> None:
        seen((message, await message.decode()))

    handle.__annotations__["message"] = rig.harness.message
    rig.subscribe(broker, address)(handle)
    async with rig.running(broker):
        await rig.publish(broker, {"a": 1}, address)
        message, body = await seen.one()
    assert isinstance(message, rig.harness.message_class)
    assert body == {"a": 1}
    assert message.body == b'{"a":1}'
    assert isinstance(message.message_id, str)
    assert message.message_id
    assert message.raw_message is not None
    assert message.reply_to == ""


@every_kind
@needs(Can.FOREIGN)
@pytest.mark.parametrize(
    ("data", "expected"),
    [(b'{"number": 1}', {"number": 1}), (b"not json", b"not json"), (b"5", 5)],
    ids=["json", "bytes", "number"],
)
async def test_foreign_messages(rig: Rig, data: bytes, expected: Any) -> None:
    """Without a content type JSON is read as JSON, anything else stays bytes."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: Any, message: Message) -> None:
        seen((body, bool(message.correlation_id), bool(message.message_id)))

    async with rig.running(broker):
        await rig.harness.send_foreign(data, address, rig.kind, {})
        assert await seen.one() == (expected, True, True)


@needs(Can.FOREIGN, Can.FOREIGN_HEADERS)
async def test_foreign_headers(rig: Rig) -> None:
    """Headers of other producers arrive, and their correlation id counts."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(message: Message) -> None:
        seen((message.headers["k"], message.correlation_id))

    async with rig.running(broker):
        await rig.harness.send_foreign(b"x", address, rig.kind, {"k": "v", "correlation_id": "c"})
        assert await seen.one() == ("v", "c")


@every_kind
@needs(Can.ORDER)
async def test_order(rig: Rig) -> None:
    """Messages of one address arrive in order, each once."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(number: int) -> None:
        seen(number)

    async with rig.running(broker):
        for number in range(50):
            await rig.publish(broker, number, address)
        assert await seen.count(50) == list(range(50))


@needs(Can.EVERYONE)
@pytest.mark.kinds("everyone")
async def test_everyone_gets_each_message(rig: Rig) -> None:
    """Two subscribers of one address without a group both get it."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def first(body: str) -> None:
        seen(("first", body))

    @rig.subscribe(broker, address)
    async def second(body: str) -> None:
        seen(("second", body))

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert sorted(await seen.count(2)) == [("first", "x"), ("second", "x")]
        await rig.nothing_more()
    assert len(seen.items) == 2


async def test_one_handler_for_two_addresses(rig: Rig) -> None:
    """One function can have several subscribers."""
    broker, one, two, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, one)
    @rig.subscribe(broker, two)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "one", one)
        await rig.publish(broker, "two", two)
        assert sorted(await seen.count(2)) == ["one", "two"]


@needs(Can.WORKERS)
async def test_workers(rig: Rig) -> None:
    """`max_workers` messages are handled at once."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, max_workers=3, **rig.harness.unordered)
    async def handle(number: int) -> None:
        seen(number)
        await seen.count(3)

    async with rig.running(broker):
        for number in range(3):
            await rig.publish(broker, number, address)
        assert sorted(await seen.count(3)) == [0, 1, 2]


@needs(Can.BACKGROUND)
async def test_a_publish_does_not_wait_for_handlers(rig: Rig) -> None:
    """It returns while the handler is still at work."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    gate = asyncio.Event()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        await asyncio.wait_for(gate.wait(), rig.patience)
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert seen.items == []
        gate.set()
        assert await seen.one() == "x"


@every_kind
@needs(Can.KEEP)
async def test_messages_from_before_the_start(rig: Rig) -> None:
    """What was published while nobody ran is delivered after the start."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, **keeping(rig))
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):  # makes what the server has to have
        await rig.publish(broker, "first", address)
        await seen.one()
    other = rig.broker()
    async with rig.running(other):
        await rig.publish(other, "second", address)
    async with rig.running(broker):
        assert (await seen.count(2))[-1] == "second"


def keeping(rig: Rig) -> dict[str, Any]:
    """A group, where the kind has one: its position stays at the server."""
    return {"group": rig.group()} if rig.kind in rig.harness.settling else {}
