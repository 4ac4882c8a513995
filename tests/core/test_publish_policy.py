"""How long a publish may take, when it is tried again, and requests whose handler fails."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from anystream.core import AckPolicy
from anystream.core.exceptions import (
    NackMessage,
    PublishTimeout,
    RejectMessage,
    RequestFailed,
    SetupError,
    SkipMessage,
)
from anystream.core.publish_policy import RetryPolicy
from anystream.memory import MemoryBroker


class Flaky:
    """Stands before a transport's `send`: fails, or hangs, so many times."""

    def __init__(self, broker: MemoryBroker, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.real = broker.transport.send
        broker.transport.send = self  # type: ignore[method-assign, assignment]

    async def __call__(self, command: Any, data: bytes, headers: dict[str, Any]) -> Any:
        self.calls += 1
        if self.errors:
            error = self.errors.pop(0)
            if error is None:
                await asyncio.Event().wait()
            else:
                raise error
        return await self.real(command, data, headers)


QUICK = RetryPolicy(attempts=3, first_pause=0.001)


async def test_publish_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """What may pass is repeated, with a warning for each failure, and sent once in the end."""
    logger = logging.getLogger("test.publish")
    broker, got = MemoryBroker(logger=logger, publish_retry=QUICK), asyncio.Queue[Any]()

    @broker.subscriber("in")
    async def handler(body: str) -> None:
        got.put_nowait(body)

    flaky = Flaky(broker, ConnectionError("away"), TimeoutError("late"))
    async with broker:
        await broker.start()
        with caplog.at_level(logging.WARNING):
            await broker.publish("hello", "in")
        assert await asyncio.wait_for(got.get(), 5) == "hello"
    assert flaky.calls == 3
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "publish to 'in' failed (attempt 1 of 3)",
        "publish to 'in' failed (attempt 2 of 3)",
    ]


async def test_the_last_error_is_raised() -> None:
    """After the last attempt the caller gets the error itself."""
    broker = MemoryBroker(logger=None, publish_retry=QUICK)
    flaky = Flaky(broker, *[ConnectionError(str(number)) for number in range(5)])
    async with broker:
        with pytest.raises(ConnectionError, match="2"):
            await broker.publish("hello", "in")
    assert flaky.calls == 3


async def test_what_cannot_pass_is_not_repeated() -> None:
    """A mistake is raised at once, unless its type is named."""
    broker = MemoryBroker(logger=None, publish_retry=QUICK)
    flaky = Flaky(broker, KeyError("wrong"), KeyError("wrong"))
    async with broker:
        with pytest.raises(KeyError):
            await broker.publish("hello", "in")
    assert flaky.calls == 1
    policy = RetryPolicy(attempts=3, first_pause=0.001, retry_on=(KeyError,))
    broker = MemoryBroker(logger=None, publish_retry=policy)
    flaky = Flaky(broker, KeyError("wrong"), KeyError("wrong"))
    async with broker:
        await broker.publish("hello", "in")
    assert flaky.calls == 3


async def test_publish_timeout_covers_all_attempts() -> None:
    """A publish that hangs ends with an error that names the limit; nothing keeps running."""
    broker = MemoryBroker(logger=None, publish_retry=QUICK, publish_timeout=0.05)
    Flaky(broker, ConnectionError("away"), None)
    async with broker:
        before = asyncio.all_tasks()
        with pytest.raises(PublishTimeout, match=r"'in'.*0.05 seconds.*publish_timeout"):
            await broker.publish("hello", "in")
        assert asyncio.all_tasks() == before


async def test_a_cancelled_publish_stops_trying() -> None:
    """Cancelling the caller cancels the attempt in hand."""
    broker = MemoryBroker(logger=None, publish_timeout=30)
    flaky = Flaky(broker, None)
    async with broker:
        before = asyncio.all_tasks()
        task = asyncio.ensure_future(broker.publish("hello", "in"))
        while not flaky.calls:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while asyncio.all_tasks() != before:
            await asyncio.sleep(0)


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"first_pause": -1.0}, {"longest_pause": -0.5}])
def test_numbers_that_make_no_sense(wrong: dict[str, Any]) -> None:
    """A policy refuses them when it is made."""
    with pytest.raises(SetupError, match="attempts"):
        RetryPolicy(**wrong)


def test_pauses_grow_and_are_varied() -> None:
    """Each pause is twice the one before, within half, and bounded."""
    policy = RetryPolicy(first_pause=1.0, longest_pause=3.0)
    for attempt, middle in ((1, 1.0), (2, 2.0), (3, 3.0), (9, 3.0)):
        assert 0.5 * middle <= policy.pause(attempt) <= 1.5 * middle
    assert len({policy.pause(1) for _ in range(20)}) > 1


async def ask(error: BaseException, policy: AckPolicy, timeout: float) -> None:
    """Requests something from a handler that ends with `error`."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in", ack_policy=policy)
    async def handler(body: str) -> str:
        raise error

    async with broker:
        await broker.start()
        await broker.request("hello", "in", timeout=timeout)


@pytest.mark.parametrize("policy", [AckPolicy.REJECT_ON_ERROR, AckPolicy.ACK, AckPolicy.MANUAL])
@pytest.mark.parametrize("error", [ValueError("boom"), RejectMessage()])
async def test_failing_handlers_fail_requests_fast(error: Exception, policy: AckPolicy) -> None:
    """Who asked learns at once that the handler failed, and with what."""
    with pytest.raises(RequestFailed, match=f"'in' failed with {type(error).__name__}"):
        await ask(error, policy, 30.0)


@pytest.mark.parametrize("error", [NackMessage(delay=60), SkipMessage()])
async def test_messages_that_are_not_done_with(error: Exception) -> None:
    """A message that comes again, or goes elsewhere, may still be answered: nothing is said."""
    with pytest.raises(TimeoutError):
        await ask(error, AckPolicy.REJECT_ON_ERROR, 0.05)
