"""Publishing: by the broker, by publisher objects, as the result of handlers, in batches."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from anystream.core import Context, Response
from anystream.core.exceptions import IncorrectState, PublishError
from tests.brokers.harness import Can
from tests.brokers.rig import Rig

needs = pytest.mark.needs
every_kind = pytest.mark.kinds("every")
Message = Annotated[Any, Context("message")]


class Item(BaseModel):
    number: int


@every_kind
async def test_a_publisher_object(rig: Rig) -> None:
    """It publishes to its address."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    publisher = rig.publisher(broker, address)

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await publisher.publish("x")
        assert await seen.one() == "x"


@needs(Can.HEADERS)
async def test_static_headers_of_a_publisher(rig: Rig) -> None:
    """They go with each message, unless the call has its own."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    publisher = rig.publisher(broker, address, headers={"a": "static", "b": "static"})

    @rig.subscribe(broker, address)
    async def handle(message: Message) -> None:
        seen((message.headers["a"], message.headers["b"]))

    async with rig.running(broker):
        await publisher.publish("x", headers={"b": "own"})
        assert await seen.one() == ("static", "own")


async def test_a_publisher_object_to_another_address(rig: Rig) -> None:
    """The address of a single call wins."""
    broker, address, other, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    publisher = rig.publisher(broker, address)

    @rig.subscribe(broker, address)
    async def usual(body: str) -> None:
        seen(("usual", body))

    @rig.subscribe(broker, other)
    async def unusual(body: str) -> None:
        seen(("unusual", body))

    async with rig.running(broker):
        await publisher.publish("x", **rig.harness.target(other, rig.kind))
        assert await seen.one() == ("unusual", "x")


async def test_correlation_id_and_reply_to_of_a_publisher_object(rig: Rig) -> None:
    """It takes them as the broker's own `publish` does."""
    broker, address, answers, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    publisher = rig.publisher(broker, address)

    @rig.subscribe(broker, address)
    async def handle(body: str) -> str:
        return body.upper()

    @rig.subscribe(broker, answers)
    async def answer(body: str, message: Message) -> None:
        seen((body, message.correlation_id))

    async with rig.running(broker):
        await publisher.publish("x", correlation_id="c", reply_to=answers)
        assert await seen.one() == ("X", "c")


async def test_static_reply_to_of_a_publisher(rig: Rig) -> None:
    """Results of a handler go out with the publisher's `reply_to`."""
    broker, seen = rig.broker(), rig.seen()
    first, second, answers = rig.address(), rig.address(), rig.address()

    @rig.subscribe(broker, first)
    @rig.publisher(broker, second, reply_to=answers)
    async def begin(body: int) -> int:
        return body + 1

    @rig.subscribe(broker, second)
    async def middle(body: int) -> int:
        return body * 10

    @rig.subscribe(broker, answers)
    async def end(body: int) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, 1, first)
        assert await seen.one() == 20


async def test_a_publisher_declared_after_the_start(rig: Rig) -> None:
    """It publishes like the others."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publisher(broker, address).publish("late")
        assert await seen.one() == "late"


@every_kind
async def test_the_result_of_a_handler(rig: Rig) -> None:
    """A publisher as a decorator sends what the handler returns."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: int) -> Item:
        return Item(number=body + 1)

    @rig.subscribe(broker, out)
    async def after(item: Item) -> None:
        seen(item)

    async with rig.running(broker):
        await rig.publish(broker, 1, address)
        assert await seen.one() == Item(number=2)


async def test_decorators_in_the_other_order(rig: Rig) -> None:
    """A publisher may stand above the subscriber."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.publisher(broker, out)
    @rig.subscribe(broker, address)
    async def handle(body: int) -> int:
        return body + 1

    @rig.subscribe(broker, out)
    async def after(body: int) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, 1, address)
        assert await seen.one() == 2


async def test_several_publishers(rig: Rig) -> None:
    """Each gets the result."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    left, right = rig.address(), rig.address()

    @rig.publisher(broker, left)
    @rig.subscribe(broker, address)
    @rig.publisher(broker, right)
    async def handle(body: str) -> str:
        return body.upper()

    @rig.subscribe(broker, left)
    async def on_left(body: str) -> None:
        seen(("left", body))

    @rig.subscribe(broker, right)
    async def on_right(body: str) -> None:
        seen(("right", body))

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert sorted(await seen.count(2)) == [("left", "X"), ("right", "X")]


async def test_a_chain_keeps_the_correlation_id(rig: Rig) -> None:
    """What follows from a message has its correlation id."""
    broker, seen = rig.broker(), rig.seen()
    first, second, third = rig.address(), rig.address(), rig.address()

    @rig.subscribe(broker, first)
    @rig.publisher(broker, second)
    async def one(body: int) -> int:
        return body + 1

    @rig.subscribe(broker, second)
    @rig.publisher(broker, third)
    async def two(body: int) -> int:
        return body * 10

    @rig.subscribe(broker, third)
    async def three(body: int, message: Message) -> None:
        seen((body, message.correlation_id))

    async with rig.running(broker):
        await rig.publish(broker, 1, first, correlation_id="chain")
        assert await seen.one() == (20, "chain")


@needs(Can.HEADERS)
@pytest.mark.parametrize("own", [False, True], ids=["core", "of the package"])
async def test_a_response(rig: Rig, own: bool) -> None:
    """`Response` adds headers and may change the correlation id; static headers fill in."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    kind: Any = rig.harness.response_class if own else Response

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out, headers={"a": "static", "b": "static"})
    async def handle(body: str) -> Any:
        return kind(body.upper(), headers={"b": "response"}, correlation_id="new")

    @rig.subscribe(broker, out)
    async def after(body: str, message: Message) -> None:
        seen((body, message.correlation_id, message.headers["a"], message.headers["b"]))

    async with rig.running(broker):
        await rig.publish(broker, "x", address, correlation_id="old")
        assert await seen.one() == ("X", "new", "static", "response")


async def test_a_response_without_correlation_id(rig: Rig) -> None:
    """It takes that of the incoming message."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: str) -> Response:
        return Response(body)

    @rig.subscribe(broker, out)
    async def after(message: Message) -> None:
        seen(message.correlation_id)

    async with rig.running(broker):
        await rig.publish(broker, "x", address, correlation_id="old")
        assert await seen.one() == "old"


@needs(Can.HEADERS)
async def test_incoming_headers_are_not_passed_on(rig: Rig) -> None:
    """Results have the headers of the publisher and the response, not those of the message."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: str) -> str:
        return body

    @rig.subscribe(broker, out)
    async def after(message: Message) -> None:
        seen("secret" in message.headers)

    async with rig.running(broker):
        await rig.publish(broker, "x", address, headers={"secret": "s"})
        assert await seen.one() is False


async def test_a_result_of_none(rig: Rig) -> None:
    """It is published, too: an empty body."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: str) -> None:
        return None

    @rig.subscribe(broker, out)
    async def after(body: Any) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == b""


async def test_results_are_validated(rig: Rig) -> None:
    """The return annotation casts what goes out."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: str) -> int:
        return body  # type: ignore[return-value]

    @rig.subscribe(broker, out)
    async def after(body: Any) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "5", address)
        assert await seen.one() == 5


async def test_a_failed_handler_publishes_nothing(rig: Rig) -> None:
    """Only results go on."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: str) -> str:
        if body == "bad":
            raise ValueError(body)
        return body

    @rig.subscribe(broker, out)
    async def after(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "bad", address, fails=ValueError)
        await rig.publish(broker, "good", address)
        assert await seen.one() == "good"
        await rig.nothing_more()
    assert seen.items == ["good"]


async def test_publishing_inside_a_handler(rig: Rig) -> None:
    """The broker and publisher objects can be used in handlers."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    publisher = rig.publisher(broker, out)

    @rig.subscribe(broker, address)
    async def handle(body: str, own: Annotated[Any, Context("broker")]) -> None:
        await publisher.publish(body + "1")
        await rig.publish(own, body + "2", out)

    @rig.subscribe(broker, out)
    async def after(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert sorted(await seen.count(2)) == ["x1", "x2"]


async def test_a_publisher_of_another_broker(rig: Rig) -> None:
    """Results may go out through a second broker."""
    broker, other = rig.broker(), rig.broker()
    address, out, seen = rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(other, out)
    async def handle(body: str) -> str:
        return body.upper()

    @rig.subscribe(other, out)
    async def after(body: str) -> None:
        seen(body)

    async with rig.running(other, broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == "X"


async def test_a_body_that_cannot_be_encoded(rig: Rig) -> None:
    """The error names the type; nothing is sent, and the broker goes on."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        with pytest.raises(PublishError, match="type object cannot be encoded"):
            await rig.publish(broker, object(), address)
        await rig.publish(broker, "good", address)
        assert await seen.one() == "good"


@needs(Can.CONNECTION)
async def test_publishing_without_a_connection(rig: Rig) -> None:
    """Before the start and after the stop the error names the broker and what to do."""
    broker, address = rig.broker(), rig.address()
    publisher = rig.publisher(broker, address)
    for _ in range(2):
        with pytest.raises(IncorrectState, match=r"connect"):
            await rig.publish(broker, 1, address)
        with pytest.raises(IncorrectState, match=r"connect"):
            await publisher.publish(1)
        async with rig.running(broker):
            await rig.publish(broker, 1, address)


@needs(Can.CONNECTION)
async def test_connected_but_not_started(rig: Rig) -> None:
    """`async with broker` connects: enough to publish."""
    broker, reader = rig.brokers(2)
    address, seen = rig.address(), rig.seen()

    @rig.subscribe(reader, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(reader), broker:
        await rig.publish(broker, "x", address)
        assert await seen.one() == "x"


@needs(Can.PUBLISH_BATCH)
@pytest.mark.kinds("publish_batch")
async def test_publish_batch(rig: Rig) -> None:
    """All bodies of one call arrive, in order, each as its own message."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: Any) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish_batch(broker, ["a", 1, {"k": 2}], address)
        assert await seen.count(3) == ["a", 1, {"k": 2}]


@needs(Can.PUBLISH_BATCH, Can.HEADERS)
@pytest.mark.kinds("publish_batch")
async def test_publish_batch_with_headers(rig: Rig) -> None:
    """Headers and correlation id belong to each message of the batch."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: int, message: Message) -> None:
        seen((body, message.headers["k"], message.correlation_id))

    async with rig.running(broker):
        await rig.publish_batch(broker, [1, 2], address, headers={"k": "v"}, correlation_id="c")
        assert await seen.count(2) == [(1, "v", "c"), (2, "v", "c")]


@needs(Can.PUBLISH_BATCH)
@pytest.mark.kinds("publish_batch")
async def test_publish_batch_with_a_bad_body(rig: Rig) -> None:
    """One body that cannot be encoded keeps the whole batch back."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: Any) -> None:
        seen(body)

    async with rig.running(broker):
        with pytest.raises(PublishError, match="type object cannot be encoded"):
            await rig.publish_batch(broker, ["a", object()], address)
        await rig.publish(broker, "good", address)
        assert await seen.one() == "good"


@needs(Can.PUBLISH_BATCH)
@pytest.mark.kinds("publish_batch")
async def test_publish_batch_passes_the_middlewares_once(rig: Rig) -> None:
    """A publish hook sees the whole batch, and may change it."""
    from anystream.core import BaseMiddleware

    commands: list[tuple[Any, ...]] = []

    class Doubling(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            commands.append(cmd.batch_bodies)
            cmd.batch_bodies = [body * 2 for body in cmd.batch_bodies]
            return await call_next(cmd)

    broker, address, seen = rig.broker(middlewares=[Doubling]), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: int) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish_batch(broker, [1, 2, 3], address)
        assert await seen.count(3) == [2, 4, 6]
    assert commands == [(1, 2, 3)]


@needs(Can.BATCH)
@pytest.mark.kinds("batch")
async def test_a_batch_of_what_is_published(rig: Rig) -> None:
    """A handler of batches gets lists; all bodies, each once, in order."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, batch=True)
    async def handle(bodies: list[int]) -> None:
        assert isinstance(bodies, list)
        for body in bodies:
            seen(body)

    async with rig.running(broker):
        for number in range(20):
            await rig.publish(broker, number, address)
        assert await seen.count(20) == list(range(20))


@needs(Can.BATCH)
@pytest.mark.kinds("batch")
async def test_models_in_a_batch(rig: Rig) -> None:
    """Each body of a batch is validated."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, batch=True)
    async def handle(items: list[Item]) -> None:
        seen(items[0])

    async with rig.running(broker):
        await rig.publish(broker, {"number": "3"}, address)
        assert await seen.one() == Item(number=3)


@needs(Can.BATCH, Can.HEADERS)
@pytest.mark.kinds("batch")
async def test_headers_in_a_batch(rig: Rig) -> None:
    """`batch_headers` has those of each message."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, batch=True)
    async def handle(bodies: list[int], message: Message) -> None:
        for body, headers in zip(bodies, message.batch_headers, strict=True):
            seen((body, headers["k"]))

    async with rig.running(broker):
        for number in range(3):
            await rig.publish(broker, number, address, headers={"k": f"v{number}"})
        assert await seen.count(3) == [(0, "v0"), (1, "v1"), (2, "v2")]


@needs(Can.BATCH)
@pytest.mark.kinds("batch")
async def test_the_result_of_a_batch(rig: Rig) -> None:
    """One result for the whole batch goes to the publisher."""
    broker, address, out, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, batch=True)
    @rig.publisher(broker, out)
    async def handle(bodies: list[int]) -> int:
        return sum(bodies)

    @rig.subscribe(broker, out)
    async def after(body: int) -> None:
        seen(body)

    async with rig.running(broker):
        for number in (1, 2, 3):
            await rig.publish(broker, number, address)
        while sum(seen.items) < 6:
            await seen.count(len(seen.items) + 1)
    assert sum(seen.items) == 6


@needs(Can.BATCH)
@pytest.mark.kinds("batch")
async def test_mixed_bodies_in_a_batch(rig: Rig) -> None:
    """Text, bytes and JSON are each decoded by their own content type."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    bodies = ["text", {"a": 1}, b"\x00raw", [1]]

    @rig.subscribe(broker, address, batch=True)
    async def handle(got: list[Any]) -> None:
        for body in got:
            seen(body)

    async with rig.running(broker):
        for body in bodies:
            await rig.publish(broker, body, address)
        assert await seen.count(4) == bodies
