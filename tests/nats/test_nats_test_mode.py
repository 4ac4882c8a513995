"""Streams, batches and acknowledgement in test mode, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from anystream.core import AckPolicy
from anystream.core.exceptions import FeatureNotSupportedException, SetupError
from anystream.memory import MemoryBroker
from anystream.nats import ConsumerConfig, NatsBroker, NatsMessage, PullSub, TestNatsBroker
from anystream.nats.message import NatsBatchMessage
from tests.waiting import Seen


@pytest.fixture
def broker() -> NatsBroker:
    return NatsBroker("nats://nowhere:1")


async def test_stream_of_a_publish(broker: NatsBroker, seen: Seen) -> None:
    """`stream=` reaches that stream's subscribers only; without it all of the subject."""
    for name in ("one", "two"):
        make(broker, seen, name, stream=name)
    make(broker, seen, "core")

    async with TestNatsBroker(broker):
        assert await broker.publish(1, "a", stream="two") is None
        assert seen.items == ["two"]
        await broker.publish(1, "a")
    assert sorted(seen.items[1:]) == ["core", "one", "two"]


def make(broker: NatsBroker, seen: Seen, name: str, **options: Any) -> None:
    @broker.subscriber("a", **options)
    async def handle() -> None:
        seen(name)


async def test_a_batch_has_one_message(broker: NatsBroker) -> None:
    """A batch handler gets a list with the one message."""

    @broker.subscriber("a", stream="s", pull_sub=PullSub(10, batch=True))
    async def handle(bodies: list[int], message: NatsMessage) -> int:
        assert isinstance(message, NatsBatchMessage)
        assert message.batch_headers[0]["x"] == "y"
        return sum(bodies)

    async with TestNatsBroker(broker):
        await broker.publish(5, "a", headers={"x": "y"}, stream="s")
        handle.mock.assert_called_once_with([5])


async def test_filter_subjects(broker: NatsBroker, seen: Seen) -> None:
    """A consumer's `filter_subjects` stand for the subject."""

    @broker.subscriber(stream="s", config=ConsumerConfig(filter_subjects=["a.*", "b"]))
    async def handle(body: str) -> None:
        seen(body)

    async with TestNatsBroker(broker):
        for subject in ("a.x", "b", "c"):
            await broker.publish(subject, subject)
    assert seen.items == ["a.x", "b"]


@pytest.mark.parametrize("policy", ["ack", "nack_on_error", "reject_on_error"])
async def test_acknowledgement_is_noted(broker: NatsBroker, policy: str, seen: Seen) -> None:
    """What the policy does shows in `committed`."""
    kept: list[NatsMessage] = []

    @broker.subscriber("a", stream="s", ack_policy=AckPolicy(policy))
    async def handle(message: NatsMessage) -> None:
        kept.append(message)
        await message.in_progress()
        raise ValueError("no")

    async with TestNatsBroker(broker):
        with pytest.raises(ValueError, match="no"):
            await broker.publish(1, "a", stream="s")
    expected = {"ack": "ACKED", "nack_on_error": "NACKED", "reject_on_error": "REJECTED"}
    assert kept[0].committed is not None
    assert kept[0].committed.value == expected[policy]


async def test_no_answer_is_sent_unasked(broker: NatsBroker) -> None:
    """Without `reply_to` a result goes nowhere."""
    kept: list[NatsMessage] = []

    @broker.subscriber("a")
    async def handle(message: NatsMessage) -> str:
        kept.append(message)
        return "result"

    @broker.subscriber(">")
    async def everything() -> None: ...

    async with TestNatsBroker(broker):
        await broker.publish(1, "a")
        everything.mock.assert_called_once_with(1)
    assert kept[0].reply_to == ""


async def test_request_through_a_stream(broker: NatsBroker) -> None:
    """A request with `stream=` is answered in test mode, too."""

    @broker.subscriber("a", stream="s")
    async def handle(number: int) -> int:
        return number + 1

    async with TestNatsBroker(broker):
        answer = await broker.request(1, "a", stream="s")
        assert await answer.decode() == 2


async def test_mocks(broker: NatsBroker) -> None:
    """Handlers and publishers note what went through them."""
    publisher = broker.publisher("out")

    @publisher
    @broker.subscriber("in")
    async def handle(number: int) -> int:
        return number * 2

    async with TestNatsBroker(broker):
        await broker.publish(3, "in")
        handle.mock.assert_called_once_with(3)
        publisher.mock.assert_called_once_with(6)
    with pytest.raises(SetupError, match="test mode"):
        _ = handle.mock


async def test_what_needs_a_server(broker: NatsBroker) -> None:
    """Buckets say that they are not there."""
    async with TestNatsBroker(broker):
        with pytest.raises(FeatureNotSupportedException, match="test mode"):
            await broker.key_value("bucket")


def test_other_brokers() -> None:
    """Only NATS brokers are taken."""
    with pytest.raises(SetupError, match="takes NatsBroker objects"):
        TestNatsBroker(MemoryBroker())
