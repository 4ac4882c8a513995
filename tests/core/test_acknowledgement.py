"""Acknowledgement: every policy with every outcome."""

import asyncio
from typing import Annotated, Any

import pytest

from anystream.core import AckPolicy, AckStatus, BaseMiddleware, Context
from anystream.core.exceptions import (
    AckMessage,
    HandlerException,
    IgnoredException,
    NackMessage,
    RejectMessage,
    SkipMessage,
    StopConsume,
)
from anystream.memory import MemoryBroker, MemoryRouter, TestMemoryBroker

ACK, NACK, REJECT = AckStatus.ACKED, AckStatus.NACKED, AckStatus.REJECTED
POLICIES = list(AckPolicy)
OUTCOMES: dict[str, BaseException | None] = {
    "success": None,
    "error": ValueError("boom"),
    "ack": AckMessage(),
    "nack": NackMessage(delay=5),
    "reject": RejectMessage(),
    "skip": SkipMessage(),
    "cancel": asyncio.CancelledError(),
}
#                   success error   ack   nack  reject  skip  cancel
TABLE = {
    AckPolicy.ACK_FIRST: (ACK, ACK, ACK, ACK, ACK, ACK, ACK),
    AckPolicy.ACK: (ACK, ACK, ACK, NACK, REJECT, None, None),
    AckPolicy.REJECT_ON_ERROR: (ACK, REJECT, ACK, NACK, REJECT, None, None),
    AckPolicy.NACK_ON_ERROR: (ACK, NACK, ACK, NACK, REJECT, None, None),
    AckPolicy.MANUAL: (None,) * 7,
}


class Idle(BaseMiddleware):
    """Switches to the pipeline with middlewares."""

    async def on_receive(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("middlewares", [[], [Idle]], ids=["flat", "middlewares"])
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("policy", POLICIES)
async def test_policy_and_outcome(policy: AckPolicy, outcome: str, middlewares: Any) -> None:
    """What is told to the server, and whether the exception comes out in test mode."""
    broker = MemoryBroker(logger=None, middlewares=middlewares)
    got: list[Any] = []
    error = OUTCOMES[outcome]

    @broker.subscriber("in", ack_policy=policy)
    async def handler(message: Annotated[Any, Context()]) -> None:
        got.append(message)
        assert message.committed == (ACK if policy is AckPolicy.ACK_FIRST else None)
        if error is not None:
            raise error

    raised: BaseException | None = None
    async with TestMemoryBroker(broker):
        try:
            await broker.publish(None, "in")
        except (Exception, asyncio.CancelledError) as problem:
            raised = problem
    expected = TABLE[policy][list(OUTCOMES).index(outcome)]
    assert got[0].committed == expected
    swallowed = isinstance(error, HandlerException) and policy is not AckPolicy.MANUAL
    assert raised is (None if swallowed else error)


async def test_the_nearest_policy_is_taken() -> None:
    """Subscriber before router before broker before the broker type's own."""
    broker = MemoryBroker(logger=None)
    named = MemoryBroker(logger=None, ack_policy=AckPolicy.NACK_ON_ERROR)
    router = MemoryRouter(ack_policy=AckPolicy.MANUAL)
    inner = MemoryRouter()
    named.include_router(router)
    router.include_router(inner)

    async def handler() -> None: ...

    def policy(owner: Any, **options: Any) -> AckPolicy:
        subscriber = owner.subscriber("in", **options)
        subscriber(handler)
        subscriber.freeze()
        return subscriber.pipeline.plan.policy  # type: ignore[no-any-return]

    assert policy(broker) is AckPolicy.REJECT_ON_ERROR
    assert policy(named) is AckPolicy.NACK_ON_ERROR
    assert policy(router) is AckPolicy.MANUAL
    assert policy(inner) is AckPolicy.MANUAL
    assert policy(inner, ack_policy=AckPolicy.ACK) is AckPolicy.ACK


async def test_what_the_handler_settled_stays() -> None:
    """A message that was nacked by hand is not acknowledged afterwards."""
    broker = MemoryBroker(logger=None)
    got: list[Any] = []

    @broker.subscriber("in")
    async def handler(message: Annotated[Any, Context()]) -> None:
        got.append(message)
        await message.reject()
        await message.ack()

    async with TestMemoryBroker(broker):
        await broker.publish(None, "in")
    assert got[0].committed == REJECT


class Failing(Exception):
    """The server cannot be told."""


async def test_a_failing_acknowledgement_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It is critical, and it does not fail the handler."""
    lines: list[tuple[int, str]] = []

    class Log:
        def log(self, level: int, text: str, **_: Any) -> None:
            lines.append((level, text))

    broker = MemoryBroker(logger=Log())

    @broker.subscriber("in")
    async def handler(message: Annotated[Any, Context()]) -> str:
        async def fail(**_: Any) -> None:
            raise Failing("connection lost")

        message.ack = fail
        return "done"

    async with TestMemoryBroker(broker):
        assert await (await broker.request(None, "in")).decode() == "done"
    critical = [text for level, text in lines if level == 50]
    assert len(critical) == 1
    assert "connection lost" in critical[0]


async def test_options_of_the_exceptions_reach_the_message() -> None:
    """`NackMessage(delay=3)` calls `message.nack(delay=3)`."""
    broker = MemoryBroker(logger=None)
    got: list[Any] = []

    @broker.subscriber("in")
    async def handler(message: Annotated[Any, Context()]) -> None:
        async def nack(**options: Any) -> None:
            got.append(options)

        message.nack = nack
        raise NackMessage(delay=3)

    async with TestMemoryBroker(broker):
        await broker.publish(None, "in")
    assert got == [{"delay": 3}]


@pytest.mark.parametrize("policy", [AckPolicy.ACK_FIRST, AckPolicy.NACK_ON_ERROR])
async def test_a_failing_parser_is_settled_too(policy: AckPolicy) -> None:
    """The default parser still finds the message to settle."""
    told: list[str] = []

    async def parser(raw: Any) -> Any:
        raise ValueError("cannot parse")

    broker = MemoryBroker(logger=None)

    @broker.subscriber("in", ack_policy=policy, parser=parser)
    async def handler() -> None: ...

    from anystream.memory.message import MemoryMessage

    class Spy(MemoryMessage):
        async def ack(self) -> None:
            told.append("ack")

        async def nack(self, delay: float = 0.0) -> None:
            told.append("nack")

    async with TestMemoryBroker(broker):
        subscriber = broker.subscribers[0]
        plan = subscriber.pipeline.plan  # type: ignore[union-attr]
        plan.parse = lambda raw: Spy.wrap(raw, None)
        with pytest.raises(ValueError, match="cannot parse"):
            await broker.publish(None, "in")
    assert told == ["ack" if policy is AckPolicy.ACK_FIRST else "nack"]


def test_the_exceptions() -> None:
    """Their family, and what they say."""
    assert issubclass(StopConsume, IgnoredException)
    assert issubclass(SkipMessage, HandlerException)
    assert NackMessage(delay=1).extra_options == {"delay": 1}
    assert str(StopConsume()) == "Consumer was stopped"
    assert AckStatus.ACKED == "ACKED"
    assert [policy.value for policy in AckPolicy] == [
        "ack_first", "ack", "reject_on_error", "nack_on_error", "manual",
    ]  # fmt: skip
