"""Which request an answer is for, when it has a correlation id of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import pytest

from anystream.core import Response
from anystream.rabbit import RabbitBroker, RabbitResponse, TestRabbitBroker
from anystream.rabbit.properties import REQUEST_ID
from tests.rabbit.conftest import Bare
from tests.waiting import running, until

Answer = Callable[[str, str], Awaitable[None]]

ANSWERS = {
    "rabbit": lambda body: RabbitResponse(body, correlation_id="own"),
    "plain": lambda body: Response(body, correlation_id="own"),
    "ready": lambda body: aio_pika.Message(body.encode(), correlation_id="own"),
}
KINDS = pytest.mark.parametrize("kind", ANSWERS)


def answering(broker: RabbitBroker, name: str, kind: str) -> RabbitBroker:
    """Lets a broker answer each message with its body, under another id."""

    @broker.subscriber(name, max_workers=10)
    async def answer(body: str) -> Any:
        return ANSWERS[kind](body)

    return broker


@KINDS
async def test_own_id_in_test_mode(kind: str) -> None:
    """The answer arrives, and has the id that the handler gave it."""
    broker = answering(RabbitBroker(logger=None), "q", kind)
    async with TestRabbitBroker(broker):
        got = await broker.request("1", "q", timeout=2)
    assert (got.body, got.correlation_id, REQUEST_ID in got.headers) == (b"1", "own", False)


@KINDS
@pytest.mark.rabbit
async def test_own_id_at_the_server(make: Any, bare: Bare, kind: str) -> None:
    """Also of many requests at once each gets its answer; the helping header is not seen."""
    name = bare.name()
    async with running(answering(make(), name, kind)) as broker:
        work = [broker.request(str(number), name, timeout=10) for number in range(20)]
        found = await asyncio.gather(*work)
    assert [got.body for got in found] == [b"%d" % number for number in range(20)]
    assert {got.correlation_id for got in found} == {"own"}
    assert not any(REQUEST_ID in got.headers for got in found)


class Foreign:
    """A responder of another library: it takes requests, and answers when it is told to.

    Args:
        bare: the client.
        name: the queue.
    """

    def __init__(self, bare: Bare, name: str) -> None:
        self.bare = bare
        self.name = name

    async def answer(self, request: Any, body: str, correlation_id: str | None) -> None:
        """Answers a request that was taken."""
        message = aio_pika.Message(body.encode(), correlation_id=correlation_id)
        await self.bare.channel.default_exchange.publish(message, request.reply_to)

    async def take(self) -> Any:
        """The next request."""
        return await self.bare.take(self.name)


@pytest.fixture
async def foreign(bare: Bare) -> Foreign:
    """A responder with a queue."""
    name = bare.name()
    await bare.queue(name, durable=True)
    return Foreign(bare, name)


def asking(broker: Any, foreign: Foreign, body: str, **options: Any) -> asyncio.Task[Any]:
    """A request under way."""
    return asyncio.ensure_future(broker.request(body, foreign.name, **{"timeout": 10, **options}))


@pytest.mark.rabbit
@pytest.mark.parametrize("own", ["own", None])
async def test_an_answer_that_names_no_request(
    make: Any, foreign: Foreign, own: str | None
) -> None:
    """It is for the only one that waits."""
    async with running(make()) as broker:
        for body in ("1", "2"):
            task = asking(broker, foreign, body)
            await foreign.answer(await foreign.take(), body, own)
            assert (await task).body == body.encode()


@pytest.mark.rabbit
async def test_an_answer_that_may_be_anybodys(make: Any, foreign: Foreign) -> None:
    """Of two requests that wait none gets an answer with an unknown id; the last one does."""
    async with running(make()) as broker:
        one, two = (asking(broker, foreign, body) for body in ("1", "2"))
        requests = {request.body: request for request in [await foreign.take() for _ in range(2)]}
        await foreign.answer(requests[b"1"], "?", "own")
        await foreign.answer(requests[b"1"], "1", requests[b"1"].correlation_id)
        assert (await one).body == b"1"
        await foreign.answer(requests[b"1"], "again", requests[b"1"].correlation_id)
        await foreign.answer(requests[b"2"], "2", "own")
        assert (await two).body == b"2"


@pytest.mark.rabbit
async def test_late_answers_are_nobodys(make: Any, foreign: Foreign) -> None:
    """Whatever their id says, a request after the one that timed out does not get them."""
    async with running(make()) as broker:
        other = asking(broker, foreign, "other")
        waits = await foreign.take()
        with pytest.raises(TimeoutError):
            await asking(broker, foreign, "1", timeout=0.2)
        late = await foreign.take()
        await foreign.answer(late, "late", "own")
        await foreign.answer(late, "late", late.correlation_id)
        await foreign.answer(late, "late", late.correlation_id)
        await foreign.answer(waits, "other", waits.correlation_id)
        assert (await other).body == b"other"
        assert broker.transport.requests._unanswered == {}  # it was answered, if too late

        with pytest.raises(TimeoutError):
            await asking(broker, foreign, "2", timeout=0.2)
        late = await foreign.take()
        task = asking(broker, foreign, "3")
        request = await foreign.take()
        await foreign.answer(late, "late", "own")
        await foreign.answer(late, "late", late.correlation_id)
        await foreign.answer(request, "3", "own")
        assert (await task).body == b"3"


@pytest.mark.rabbit
async def test_a_cancelled_request_leaves_nothing(make: Any, foreign: Foreign) -> None:
    """Its answer goes to nobody else."""
    async with running(make()) as broker:
        task = asking(broker, foreign, "1")
        late = await foreign.take()
        task.cancel()
        await until(task.done)
        task = asking(broker, foreign, "2")
        request = await foreign.take()
        await foreign.answer(late, "late", "own")
        await foreign.answer(request, "2", "own")
        assert (await task).body == b"2"
