"""Acknowledgement: every policy × every outcome, and what the server does with the message."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest

from anystream.core import AckPolicy, Context
from tests.brokers.harness import Can, Fate
from tests.brokers.outcomes import OUTCOMES, POLICIES, STATUS, Observed, all_outcomes, told
from tests.brokers.rig import Rig, scene

# every policy is declared on every broker, also where one of them makes no difference
pytestmark = pytest.mark.filterwarnings("ignore:.* Kafka cannot reject a message:UserWarning")

needs = pytest.mark.needs
settling = pytest.mark.kinds("settling")
policies = pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.value)
outcomes = pytest.mark.parametrize("outcome", [name for name in OUTCOMES if name != "cancelled"])
Message = Annotated[Any, Context("message")]


def observed(rig: Rig, policy: AckPolicy, outcome: str) -> Observed:
    found: Observed = scene(rig, all_outcomes)[policy, outcome]
    return found


@settling
@policies
@outcomes
def test_what_the_server_is_told(rig: Rig, policy: AckPolicy, outcome: str) -> None:
    """The message knows what was told about it: as in the table of docs/acknowledgement.md."""
    assert observed(rig, policy, outcome).status == STATUS[told(policy, outcome)]


@settling
@needs(Can.DRAIN)
@policies
def test_a_cancelled_handler_tells_nothing(rig: Rig, policy: AckPolicy) -> None:
    """Cancellation never acknowledges; with `ACK_FIRST` it is too late for that."""
    assert observed(rig, policy, "cancelled").status == STATUS[told(policy, "cancelled")]


@settling
@needs(Can.REDELIVER)
@policies
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_becomes_of_the_message(rig: Rig, policy: AckPolicy, outcome: str) -> None:
    """It is delivered again, kept at the server, or done, as the harness declares."""
    found, fate = observed(rig, policy, outcome), rig.fate(told(policy, outcome))
    assert found.deliveries == (2 if fate is Fate.AGAIN else 1)
    assert found.left == (1 if fate is Fate.KEPT else 0)


@settling
@needs(Can.REDELIVER)
@pytest.mark.parametrize("level", ["broker", "router", "subscriber"])
async def test_the_nearest_policy_counts(rig: Rig, level: str) -> None:
    """A policy can stand at the broker, at a router and at the subscriber."""
    order = ["subscriber", "router", "broker"]
    given = {
        name: AckPolicy.ACK if name == level else AckPolicy.MANUAL
        for name in order[order.index(level) :]
    }

    def policy(name: str) -> dict[str, Any]:
        return {"ack_policy": given[name]} if name in given else {}

    broker, address, seen = rig.broker(**policy("broker")), rig.address(), rig.seen()
    router = rig.router(**policy("router"))
    group = rig.group()

    @rig.subscribe(router, address, group=group, **policy("subscriber"))
    async def handle(message: Message) -> None:
        seen(message)
        raise ValueError("failed on purpose")

    broker.include_router(router)
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        message = await seen.one()
    assert message.committed.value == "ACKED"
    assert await rig.harness.left(address, rig.kind, group) == 0


@settling
@needs(Can.REDELIVER)
async def test_success_includes_the_results(rig: Rig) -> None:
    """A message is acknowledged after its results were published; if that fails, it is not."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    group = rig.group()

    @rig.subscribe(broker, address, group=group, ack_policy=AckPolicy.NACK_ON_ERROR)
    @rig.first_kind().publisher(broker, rig.first_kind().address())
    async def handle(body: str, message: Message) -> Any:
        seen(message)
        return object() if len(seen.items) == 1 else "fine"

    if rig.fate("nack") is Fate.AGAIN:
        async with rig.running(broker):
            await rig.publish(broker, "x", address)
            first, second = await seen.count(2)
        assert (first.committed.value, second.committed.value) == ("NACKED", "ACKED")
    else:
        async with rig.running(broker):
            await rig.publish(broker, "x", address)
            first = await seen.one()
        assert first.committed.value == "NACKED"


@settling
async def test_settled_twice(rig: Rig) -> None:
    """Only the first acknowledgement of a message counts; the others do nothing."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    group = rig.group()

    @rig.subscribe(broker, address, group=group)
    async def handle(message: Message) -> None:
        await message.ack()
        await message.nack()
        await message.reject()
        await message.ack()
        seen(message.committed.value)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == "ACKED"
        await rig.nothing_more()
    assert seen.items == ["ACKED"]


@settling
@needs(Can.KEEP, Can.REDELIVER)
async def test_a_crashed_consumer_loses_nothing(rig: Rig) -> None:
    """What was taken and not acknowledged is still at the server after the consumer's end."""
    broker, address, seen = rig.broker(graceful_timeout=0.1), rig.address(), rig.seen()
    group = rig.group()

    @rig.subscribe(broker, address, group=group)
    async def handle(body: int) -> None:
        seen(body)
        if body == 1:
            await asyncio.Event().wait()

    async with rig.running(broker):
        for number in range(3):
            await rig.publish(broker, number, address)
        await seen.count(2)
    # 0 is done; 1 was cancelled, and 2 waited behind it or was given up with it
    assert await rig.harness.left(address, rig.kind, group) == 2


@settling
@needs(Can.NEXT)
async def test_the_next_consumer_gets_what_was_kept(rig: Rig) -> None:
    """What a consumer took and did not acknowledge comes to another one at its end."""
    group, address, seen = rig.group(), rig.address(), rig.seen()
    brokers = rig.brokers(2)
    for broker in brokers:
        args, kwargs = rig.harness.soon_of(address, rig.kind, group)

        @broker.subscriber(*args, **kwargs, ack_policy=AckPolicy.MANUAL)
        async def handle(body: str, message: Message, broker: Annotated[Any, Context()]) -> None:
            if broker is brokers[1]:
                await message.ack()
            seen((body, brokers.index(broker)))

    async with rig.running(brokers[0]):
        await rig.publish(brokers[0], "x", address)
        assert await seen.one() == ("x", 0)
    async with rig.running(brokers[1]):
        assert (await seen.count(2))[-1] == ("x", 1)


@settling
async def test_a_failing_message_does_not_stop_the_next(rig: Rig) -> None:
    """After an exception the subscriber goes on with the next message."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, group=rig.group(), ack_policy=AckPolicy.REJECT_ON_ERROR)
    async def handle(body: int) -> None:
        seen(body)
        if body % 2:
            raise ValueError(body)

    async with rig.running(broker):
        for number in range(4):
            await rig.publish(broker, number, address, fails=ValueError if number % 2 else None)
        assert await seen.count(4) == [0, 1, 2, 3]


@pytest.mark.kinds("every")
async def test_kinds_without_acknowledgement_take_the_methods(rig: Rig) -> None:
    """`ack`, `nack` and `reject` can be called on every message of every kind."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    group = {"group": rig.group()} if rig.kind in rig.harness.settling else {}

    @rig.subscribe(broker, address, **group)
    async def handle(body: str, message: Message) -> None:
        if body not in seen.items:  # one that is given back for ever may hold up the next ones
            await {"a": message.ack, "n": message.nack, "r": message.reject}[body]()
            seen(body)

    async with rig.running(broker):
        for body in "anr":
            await rig.publish(broker, body, address)
        assert sorted(await seen.count(3)) == ["a", "n", "r"]
