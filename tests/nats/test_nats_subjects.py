"""Core subjects, on a server and in test mode alike."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from anystream.core import Context, Header, Path
from anystream.core.exceptions import PublishError, SubscriberNotFound
from anystream.nats import (
    NatsBroker,
    NatsMessage,
    NatsPublisher,
    NatsResponse,
    NatsRoute,
    NatsRouter,
)
from anystream.nats.errors import NoResponders, PayloadTooLarge, RequestTimeout
from tests.nats.conftest import Running
from tests.waiting import Seen, running


class Order(BaseModel):
    number: int


@pytest.fixture
def broker(nats_url: str) -> NatsBroker:
    return NatsBroker(nats_url, logger=None)


async def test_a_model_arrives(run: Running, broker: NatsBroker, subject: str, seen: Seen) -> None:
    """What is published is what the handler gets, as the type it asks for."""

    @broker.subscriber(subject)
    async def handle(order: Order) -> None:
        seen(order)

    async with run(broker):
        await broker.publish(Order(number=7), subject)
        assert await seen.count(1) == [Order(number=7)]


async def test_headers_and_ids(run: Running, broker: NatsBroker, subject: str, seen: Seen) -> None:
    """Headers, correlation id and content type travel with the body."""

    @broker.subscriber(subject)
    async def handle(body: str, message: NatsMessage, tone: str = Header()) -> None:
        seen((body, tone, message.correlation_id, message.content_type, message.headers))

    async with run(broker):
        await broker.publish("hi", subject, headers={"tone": "loud"}, correlation_id="c1")
        body, tone, correlation_id, content_type, headers = (await seen.count(1))[0]
    assert (body, tone, correlation_id, content_type) == ("hi", "loud", "c1", "text/plain")
    assert headers == {"tone": "loud", "correlation_id": "c1", "content-type": "text/plain"}


async def test_path_parts(run: Running, broker: NatsBroker, subject: str, seen: Seen) -> None:
    """`{name}` parts of the subject are arguments."""

    @broker.subscriber(subject + ".{kind}.new.{number}")
    async def handle(kind: str = Path(), number: int = Path()) -> None:
        seen((kind, number))

    async with run(broker):
        await broker.publish(None, f"{subject}.order.new.5")
        assert await seen.count(1) == [("order", 5)]


@pytest.mark.parametrize(
    ("pattern", "takes"), [("*.a", ["x.a", "y.a"]), ("x.>", ["x.a", "x.b.c"]), (">", None)]
)
async def test_wildcards(
    run: Running, broker: NatsBroker, subject: str, seen: Seen, pattern: str, takes: Any
) -> None:
    """`*` is one part, `>` is the rest."""
    sent = ["x.a", "y.a", "x.b.c"]
    takes = sent if takes is None else takes

    @broker.subscriber(f"{subject}.{pattern}")
    async def handle(body: str) -> None:
        seen(body)

    async with run(broker):
        for name in sent:
            await broker.publish(name, f"{subject}.{name}")
        await seen.count(len(takes))
    assert seen.items == takes


async def test_of_a_queue_group_one_gets_each(
    run: Running, broker: NatsBroker, subject: str, seen: Seen
) -> None:
    """Two members share the messages, one outside gets all."""
    everything: list[int] = []
    for _ in range(2):

        @broker.subscriber(subject, "workers")
        async def work(body: int) -> None:
            seen(body)

    @broker.subscriber(subject)
    async def watch(body: int) -> None:
        everything.append(body)

    async with run(broker):
        for number in range(20):
            await broker.publish(number, subject)
        await seen.count(20)
    assert sorted(seen.items) == list(range(20))
    assert everything == list(range(20))


async def test_request_and_reply(run: Running, broker: NatsBroker, subject: str) -> None:
    """The handler's result is the answer, with its headers and the same correlation id."""

    @broker.subscriber(subject)
    async def double(number: int) -> NatsResponse:
        return NatsResponse(number * 2, headers={"by": "double"})

    async with run(broker):
        answer = await broker.request(21, subject, correlation_id="c7", timeout=5.0)
    assert await answer.decode() == 42
    assert answer.headers["by"] == "double"
    assert answer.correlation_id == "c7"


async def test_result_goes_to_publishers_and_to_who_asked(
    run: Running, broker: NatsBroker, subject: str, seen: Seen
) -> None:
    """A publisher decorator and `reply_to` both get the result."""

    @broker.subscriber(subject)
    @broker.publisher(subject + ".out", headers={"from": "here"})
    async def step(number: int) -> int:
        return number + 1

    @broker.subscriber(subject + ".out")
    async def out(number: int, message: NatsMessage) -> None:
        seen(("out", number, message.headers["from"]))

    @broker.subscriber(subject + ".answers")
    async def answers(number: int) -> None:
        seen(("answer", number))

    async with run(broker):
        await broker.publish(1, subject, reply_to=subject + ".answers")
        assert sorted(await seen.count(2)) == [("answer", 2), ("out", 2, "here")]


async def test_router_prefix_and_routes(
    run: Running, broker: NatsBroker, subject: str, seen: Seen
) -> None:
    """A router's prefix stands before everything declared in it."""

    async def handle(number: int) -> int:
        return number * 10

    router = NatsRouter(
        prefix=subject + ".",
        handlers=[NatsRoute(handle, "in", publishers=[NatsPublisher("out")])],
    )

    @router.subscriber("out")
    async def out(number: int) -> None:
        seen(number)

    broker.include_router(router)
    async with run(broker):
        await broker.publish(4, subject + ".in")
        assert await seen.count(1) == [40]


async def test_publisher_object(run: Running, broker: NatsBroker, subject: str, seen: Seen) -> None:
    """A publisher publishes with its own headers, and asks."""
    publisher = broker.publisher(subject, headers={"a": "1", "b": "1"})

    @broker.subscriber(subject)
    async def handle(body: str, message: NatsMessage) -> str:
        seen((message.headers["a"], message.headers["b"]))
        return body.upper()

    async with run(broker):
        await publisher.publish("x", headers={"b": "2"})
        answer = await publisher.request("y", timeout=5.0)
        await seen.count(2)
    assert await answer.decode() == "Y"
    assert seen.items == [("1", "2"), ("1", "1")]


async def test_core_messages_count_as_acked(
    run: Running, broker: NatsBroker, subject: str, seen: Seen
) -> None:
    """The acknowledgement methods of a core message do nothing."""

    @broker.subscriber(subject)
    async def handle(message: NatsMessage) -> None:
        await message.nack()
        await message.reject()
        await message.in_progress()
        seen(message.committed)

    async with run(broker):
        await broker.publish(1, subject)
        assert (await seen.count(1))[0].value == "ACKED"


@pytest.mark.nats
async def test_request_that_nobody_answers(broker: NatsBroker, subject: str) -> None:
    """No subscriber and no answer are two errors, both of the client's type, too."""
    import nats.errors

    never = asyncio.Event()

    @broker.subscriber(subject)
    async def silent() -> None:
        await never.wait()

    async with running(broker):
        with pytest.raises(NoResponders, match=rf"nobody answers on '{subject}.none'") as nobody:
            await broker.request(1, subject + ".none")
        with pytest.raises(RequestTimeout, match=rf"no answer on '{subject}' within 0.1") as late:
            await broker.request(1, subject, timeout=0.1)
        never.set()
    assert isinstance(nobody.value, nats.errors.NoRespondersError)
    assert isinstance(late.value, (TimeoutError, nats.errors.TimeoutError))


async def test_request_that_nobody_answers_in_memory(broker: NatsBroker, subject: str) -> None:
    """In test mode it says so, too."""
    from anystream.nats import TestNatsBroker

    async with TestNatsBroker(broker):
        with pytest.raises(SubscriberNotFound):
            await broker.request(1, subject)


@pytest.mark.nats
async def test_what_cannot_be_published(broker: NatsBroker, subject: str) -> None:
    """Too large, no subject, a wrong header: the error says what is wrong."""
    async with running(broker):
        limit = broker.connection.max_payload
        with pytest.raises(PayloadTooLarge, match=rf"'{subject}' has {limit + 1} bytes.*{limit}"):
            await broker.publish(b"x" * (limit + 1), subject)
        with pytest.raises(PublishError, match="is no subject"):
            await broker.publish("x", "a b")
        with pytest.raises(PublishError, match=r"headers must be str, got \{'n': 1\}"):
            await broker.publish("x", subject, headers={"n": 1})  # type: ignore[dict-item]


@pytest.mark.nats
async def test_workers(broker: NatsBroker, subject: str) -> None:
    """`max_workers` messages are handled at once."""
    together, current = asyncio.Event(), 0

    @broker.subscriber(subject, max_workers=3)
    async def handle(body: int) -> None:
        nonlocal current
        current += 1
        if current == 3:
            together.set()
        await asyncio.wait_for(together.wait(), 5.0)

    async with running(broker):
        for number in range(3):
            await broker.publish(number, subject)
        await asyncio.wait_for(together.wait(), 5.0)


@pytest.mark.nats
async def test_stop_finishes_what_was_taken(
    nats_url: str, broker: NatsBroker, subject: str
) -> None:
    """Messages that reached the process before `stop()` are handled, each once."""
    handled: list[int] = []
    first = asyncio.Event()

    @broker.subscriber(subject)
    async def handle(number: int) -> None:
        first.set()
        await asyncio.sleep(0.002)
        handled.append(number)

    async with running(NatsBroker(nats_url, logger=None)) as other:
        await broker.start()
        for number in range(100):
            await other.publish(number, subject)
        await asyncio.wait_for(first.wait(), 5.0)
        await other.connection.flush()
        await other.connection.flush()
        await broker.stop()
    assert handled == list(range(100))


@pytest.mark.nats
async def test_handler_stops_its_own_subscriber(
    broker: NatsBroker, subject: str, seen: Seen
) -> None:
    """Awaiting `stop()` in a handler neither hangs nor cancels the handler."""
    subscriber = broker.subscriber(subject)

    @subscriber
    async def handle(body: str) -> None:
        await subscriber.stop()
        seen(body)

    async with running(broker):
        await broker.publish("last", subject)
        assert await seen.count(1, timeout=5.0) == ["last"]
        await broker.publish("nobody", subject)
    assert seen.items == ["last"]


@pytest.mark.nats
async def test_handler_with_a_cancelled_error_of_its_own(
    broker: NatsBroker, subject: str, seen: Seen
) -> None:
    """A CancelledError from something that the handler awaits does not end the subscription.

    Python 3.10 cannot tell it from a real one; there the subscriber is dead, and ping says so.
    """

    @broker.subscriber(subject)
    async def handle(number: int) -> None:
        seen(number)
        if number == 0:
            raise asyncio.CancelledError

    async with running(broker):
        for number in range(3):
            await broker.publish(number, subject)
        if sys.version_info < (3, 11):
            await broker.nats.round_trip()
            assert await broker.ping(2.0) is False
            return
        assert await seen.count(3) == [0, 1, 2]
        assert await broker.ping(2.0)


@pytest.mark.nats
async def test_pause_and_resume(broker: NatsBroker, subject: str, seen: Seen) -> None:
    """A paused subscriber gets nothing, a resumed one does."""
    subscriber = broker.subscriber(subject)

    @subscriber
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        await subscriber.pause()
        await broker.publish("lost", subject)
        await subscriber.resume()
        await broker.publish("found", subject)
        assert await seen.count(1) == ["found"]


@pytest.mark.nats
async def test_broker_in_the_context(broker: NatsBroker, subject: str, seen: Seen) -> None:
    """The client and its JetStream context can be asked for."""
    from anystream.nats.annotations import Client, JsClient

    @broker.subscriber(subject)
    async def handle(client: Client, js: JsClient, own: Annotated[Any, Context("broker")]) -> None:
        seen((client is broker.connection, js is broker.jetstream, own is broker))

    async with running(broker):
        await broker.publish(1, subject)
        assert await seen.count(1) == [(True, True, True)]
        assert (await broker.new_inbox()).startswith("_INBOX.")


@pytest.mark.nats
async def test_two_starts(broker: NatsBroker, subject: str, seen: Seen) -> None:
    """A broker that was stopped can be started again."""

    @broker.subscriber(subject)
    async def handle(body: int) -> None:
        seen(body)

    for number in range(2):
        async with running(broker):
            await broker.publish(number, subject)
            await seen.count(number + 1)
    assert seen.items == [0, 1]
