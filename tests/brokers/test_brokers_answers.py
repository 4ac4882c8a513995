"""Replies and requests."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from anystream.core import Context, ExceptionMiddleware, Response, SourceType
from anystream.core.exceptions import PublishError, RejectMessage, RequestFailed
from tests.brokers.harness import Can
from tests.brokers.rig import Rig

needs = pytest.mark.needs
every_kind = pytest.mark.kinds("every")
Message = Annotated[Any, Context("message")]


FAILURES = [ValueError, RejectMessage, ValidationError]


class Sum(BaseModel):
    total: int


@every_kind
async def test_reply_to(rig: Rig) -> None:
    """The result goes to the address for answers, with the correlation id of the message."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    first = rig.first_kind()
    answers = first.address()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> str:
        return body.upper()

    @first.subscribe(broker, answers)
    async def answer(body: str, message: Message) -> None:
        seen((body, message.correlation_id, message.reply_to))

    async with rig.running(broker):
        await rig.publish(broker, "x", address, reply_to=answers, correlation_id="c")
        assert await seen.one() == ("X", "c", "")


async def test_reply_and_publisher(rig: Rig) -> None:
    """A result goes to who asked and to the publisher."""
    broker, seen = rig.broker(), rig.seen()
    address, answers, out = rig.address(), rig.address(), rig.address()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: int) -> int:
        return body + 1

    @rig.subscribe(broker, answers)
    async def answer(body: int) -> None:
        seen(("answer", body))

    @rig.subscribe(broker, out)
    async def after(body: int) -> None:
        seen(("out", body))

    async with rig.running(broker):
        await rig.publish(broker, 1, address, reply_to=answers)
        assert sorted(await seen.count(2)) == [("answer", 2), ("out", 2)]


async def test_reply_to_is_not_passed_on(rig: Rig) -> None:
    """What follows from a message does not ask for an answer."""
    broker, seen = rig.broker(), rig.seen()
    address, answers, out = rig.address(), rig.address(), rig.address()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: int) -> int:
        return body + 1

    @rig.subscribe(broker, out)
    async def after(message: Message) -> int:
        seen(("out", message.reply_to))
        return 0

    @rig.subscribe(broker, answers)
    async def answer(body: int) -> None:
        seen(("answer", body))

    async with rig.running(broker):
        await rig.publish(broker, 1, address, reply_to=answers)
        await seen.count(2)
        await rig.nothing_more()
    assert sorted(seen.items) == [("answer", 2), ("out", "")]


async def test_no_reply(rig: Rig) -> None:
    """`no_reply=True` never answers; publishers still get the result."""
    broker, seen = rig.broker(), rig.seen()
    address, answers, out = rig.address(), rig.address(), rig.address()

    @rig.subscribe(broker, address, no_reply=True)
    @rig.publisher(broker, out)
    async def handle(body: int) -> int:
        return body + 1

    @rig.subscribe(broker, answers)
    @rig.subscribe(broker, out)
    async def after(body: int) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, 1, address, reply_to=answers)
        await seen.count(1)
        await rig.nothing_more()
    assert seen.items == [2]


async def test_a_reply_of_none(rig: Rig) -> None:
    """A handler that returns nothing answers with an empty body."""
    broker, address, answers, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        return None

    @rig.subscribe(broker, answers)
    async def answer(body: Any) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address, reply_to=answers)
        assert await seen.one() == b""


@needs(Can.HEADERS)
async def test_a_response_as_a_reply(rig: Rig) -> None:
    """Its headers and its correlation id go along."""
    broker, address, answers, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> Response:
        return Response(body, headers={"k": "v"}, correlation_id="new")

    @rig.subscribe(broker, answers)
    async def answer(message: Message) -> None:
        seen((message.headers["k"], message.correlation_id))

    async with rig.running(broker):
        await rig.publish(broker, "x", address, reply_to=answers, correlation_id="old")
        assert await seen.one() == ("v", "new")


async def test_one_response_object_for_every_message(rig: Rig) -> None:
    """A `Response` that a handler returns again and again is not changed."""
    broker, address, answers, seen = rig.broker(), rig.address(), rig.address(), rig.seen()
    same = Response("same")

    @rig.subscribe(broker, address)
    async def handle(body: str) -> Response:
        return same

    @rig.subscribe(broker, answers)
    async def answer(message: Message) -> None:
        seen(message.correlation_id)

    async with rig.running(broker):
        for number in "12":
            await rig.publish(broker, "x", address, reply_to=answers, correlation_id=number)
        assert sorted(await seen.count(2)) == ["1", "2"]
    assert same.correlation_id is None


@needs(Can.REQUEST)
@pytest.mark.parametrize(
    ("asked", "answered"),
    [("text", "TEXT"), (b"\x00\xff", b"\xff\x00"), ({"a": 1}, {"total": 1}), ([1, 2], 3), (1, b"")],
    ids=["text", "bytes", "model", "number", "none"],
)
async def test_request(rig: Rig, asked: Any, answered: Any) -> None:
    """The answer is the result, whatever its type."""
    broker, address = rig.broker(), rig.address()

    @rig.subscribe(broker, address)
    async def handle(body: Any) -> Any:
        if isinstance(body, str):
            return body.upper()
        if isinstance(body, bytes):
            return body[::-1]
        if isinstance(body, dict):
            return Sum(total=body["a"])
        return sum(body) if isinstance(body, list) else None

    async with rig.running(broker):
        answer = await rig.request(broker, asked, address)
        assert await answer.decode() == answered


@needs(Can.REQUEST)
async def test_the_message_of_an_answer(rig: Rig) -> None:
    """Its correlation id is that of the request, and it says that it is a response."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str, message: Message) -> str:
        seen((message.correlation_id, bool(message.reply_to)))
        return body

    async with rig.running(broker):
        answer = await rig.request(broker, "x", address, correlation_id="c")
    assert await seen.one() == ("c", True)
    assert answer.correlation_id == "c"
    assert answer.source_type is SourceType.RESPONSE
    assert isinstance(answer, rig.harness.message_class)


@needs(Can.REQUEST, Can.HEADERS)
async def test_headers_of_requests_and_answers(rig: Rig) -> None:
    """Both ways."""
    broker, address = rig.broker(), rig.address()

    @rig.subscribe(broker, address)
    async def handle(message: Message) -> Response:
        return Response("x", headers={"heard": message.headers["said"]})

    async with rig.running(broker):
        answer = await rig.request(broker, "x", address, headers={"said": "hello"})
    assert answer.headers["heard"] == "hello"


@needs(Can.REQUEST)
async def test_a_request_of_a_publisher_object(rig: Rig) -> None:
    """It asks its address."""
    broker, address = rig.broker(), rig.address()
    publisher = rig.publisher(broker, address)

    @rig.subscribe(broker, address)
    async def handle(body: int) -> int:
        return body * 2

    async with rig.running(broker):
        answer = await publisher.request(21, timeout=rig.patience)
        assert await answer.decode() == 42


@needs(Can.REQUEST)
async def test_many_requests_at_once(rig: Rig) -> None:
    """Each gets its own answer."""
    broker, address = rig.broker(), rig.address()

    @rig.subscribe(broker, address)
    async def handle(body: int) -> int:
        return body * 2

    async with rig.running(broker):
        answers = await asyncio.gather(*(rig.request(broker, n, address) for n in range(20)))
        assert [await answer.decode() for answer in answers] == [n * 2 for n in range(20)]


@needs(Can.REQUEST)
async def test_requests_one_after_the_other(rig: Rig) -> None:
    """An answer never belongs to an earlier request."""
    broker, address = rig.broker(), rig.address()

    @rig.subscribe(broker, address)
    async def handle(body: int) -> int:
        return body

    async with rig.running(broker):
        for number in range(10):
            answer = await rig.request(broker, number, address)
            assert await answer.decode() == number


@needs(Can.REQUEST)
async def test_a_request_inside_a_handler(rig: Rig) -> None:
    """A handler may ask another one."""
    broker, address, inner = rig.broker(), rig.address(), rig.address()

    @rig.subscribe(broker, inner)
    async def double(body: int) -> int:
        return body * 2

    @rig.subscribe(broker, address)
    async def handle(body: int) -> int:
        answer = await rig.request(broker, body, inner)
        return int(await answer.decode()) + 1

    async with rig.running(broker):
        answer = await rig.request(broker, 5, address)
        assert await answer.decode() == 11


@needs(Can.REQUEST)
async def test_a_request_that_is_not_answered_in_time(rig: Rig) -> None:
    """`timeout` ends the waiting; a later answer disturbs nobody."""
    broker, address = rig.broker(), rig.address()
    gate = asyncio.Event()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> str:
        if body == "slow":
            await asyncio.wait_for(gate.wait(), rig.patience)
        return body

    async with rig.running(broker):
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await rig.request(broker, "slow", address, timeout=0.1)
        assert time.monotonic() - began < 2
        gate.set()
        answer = await rig.request(broker, "quick", address)
        assert await answer.decode() == "quick"


@needs(Can.REQUEST)
async def test_a_request_to_a_handler_that_never_answers(rig: Rig) -> None:
    """`no_reply` leaves the request waiting until its `timeout`; in test mode it is empty."""
    broker, address = rig.broker(), rig.address()

    @rig.subscribe(broker, address, no_reply=True)
    async def handle(body: str) -> str:
        return body

    async with rig.running(broker):
        if rig.on_server:
            with pytest.raises(TimeoutError):
                await rig.request(broker, "x", address, timeout=0.1)
        else:
            answer = await rig.request(broker, "x", address)
            assert await answer.decode() == b""


@needs(Can.REQUEST, Can.NOTICE_NOBODY)
async def test_a_request_that_nobody_takes(rig: Rig) -> None:
    """It fails at once and says where nobody was."""
    broker, address = rig.broker(), rig.address()
    async with rig.running(broker):
        began = time.monotonic()
        with pytest.raises(Exception, match=address) as caught:
            await rig.request(broker, "x", address, timeout=min(5.0, rig.patience))
        assert time.monotonic() - began < min(2.0, 0.6 * rig.patience)
    assert type(caught.value).__module__.startswith("anystream.")


@needs(Can.REQUEST)
async def test_a_request_with_a_bad_body(rig: Rig) -> None:
    """It is refused before anything is sent."""
    broker = rig.broker()
    async with rig.running(broker):
        with pytest.raises(PublishError, match="type object cannot be encoded"):
            await rig.request(broker, object(), rig.address())


@needs(Can.REQUEST)
async def test_a_router_answers(rig: Rig) -> None:
    """Handlers of routers answer like those of the broker."""
    broker, address = rig.broker(), rig.address()
    router = rig.router()

    @rig.subscribe(router, address)
    async def handle(body: int) -> int:
        return body + 1

    broker.include_router(router)
    async with rig.running(broker):
        answer = await rig.request(broker, 1, address)
        assert await answer.decode() == 2


@needs(Can.REQUEST)
async def test_two_brokers_ask_each_other(rig: Rig) -> None:
    """A request of one broker is answered by another."""
    one, two = rig.brokers(2)
    left, right = rig.address(), rig.address()

    @rig.subscribe(one, left)
    async def on_left(body: str) -> str:
        return f"left {body}"

    @rig.subscribe(two, right)
    async def on_right(body: str) -> str:
        return f"right {body}"

    async with rig.running(one, two):
        assert await (await rig.request(one, "a", right)).decode() == "right a"
        assert await (await rig.request(two, "b", left)).decode() == "left b"


@needs(Can.REQUEST, Can.FAIL_FAST)
@pytest.mark.parametrize("error", FAILURES, ids=lambda e: e.__name__)
async def test_a_request_whose_handler_fails(rig: Rig, error: type[Exception]) -> None:
    """It fails at once and says with what, not why; in test mode the exception itself comes."""
    broker, address = rig.broker(), rig.address()

    @rig.subscribe(broker, address)
    async def handle(body: int) -> int:
        raise ValueError("nobody's business") if error is ValueError else RejectMessage()

    async with rig.running(broker):
        began = time.monotonic()
        body = "no number" if error is ValidationError else 1
        if rig.on_server:
            with pytest.raises(RequestFailed, match=error.__name__) as caught:
                await rig.request(broker, body, address)
            assert "nobody's business" not in str(caught.value)
        elif error is RejectMessage:  # it ends at the acknowledgement, where there is one
            with suppress(RejectMessage):
                await rig.request(broker, body, address)
        else:
            with pytest.raises(error):
                await rig.request(broker, body, address)
        assert time.monotonic() - began < rig.patience / 3


@needs(Can.REQUEST, Can.FAIL_FAST)
async def test_a_request_of_a_publisher_object_whose_handler_fails(rig: Rig) -> None:
    """The same through a publisher; the next request is answered."""
    broker, address = rig.broker(), rig.address()
    publisher = rig.publisher(broker, address)

    @rig.subscribe(broker, address)
    async def handle(body: int) -> float:
        return 1 / body

    async with rig.running(broker):
        with pytest.raises(RequestFailed if rig.on_server else ZeroDivisionError):
            await publisher.request(0, timeout=rig.patience)
        answer = await publisher.request(2, timeout=rig.patience)
        assert await answer.decode() == 0.5


@needs(Can.REQUEST)
async def test_an_exception_middleware_answers(rig: Rig) -> None:
    """What it makes of an exception is the answer."""
    middleware = ExceptionMiddleware(publish_handlers={ZeroDivisionError: lambda error: "infinite"})
    broker, address = rig.broker(middlewares=[middleware]), rig.address()

    @rig.subscribe(broker, address)
    async def handle(body: int) -> float | str:
        return 1 / body

    async with rig.running(broker):
        answer = await rig.request(broker, 0, address)
        assert await answer.decode() == "infinite"
