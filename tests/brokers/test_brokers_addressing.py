"""Groups, patterns and path parameters."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from anystream.core import Context, Path
from anystream.core.exceptions import SetupError
from tests.brokers.harness import Can
from tests.brokers.rig import Rig

needs = pytest.mark.needs
pattern_kind = pytest.mark.kinds("pattern")
Message = Annotated[Any, Context("message")]


@needs(Can.GROUP)
@pytest.mark.kinds("group")
async def test_of_a_group_one_member_gets_each_message(rig: Rig) -> None:
    """Members of one group share the messages: each is handled once."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    group = rig.group()

    @rig.subscribe(broker, address, group=group)
    async def one(body: int) -> None:
        seen(body)

    @rig.subscribe(broker, address, group=group)
    async def two(body: int) -> None:
        seen(body)

    async with rig.running(broker):
        for number in range(20):
            await rig.publish(broker, number, address)
        await seen.count(20)
        await rig.nothing_more()
    assert sorted(seen.items) == list(range(20))


@needs(Can.GROUP)
@pytest.mark.kinds("group")
async def test_a_group_over_two_brokers(rig: Rig) -> None:
    """Members may be in different brokers (processes)."""
    brokers, address, seen = rig.brokers(2), rig.address(), rig.seen()
    group = rig.group()
    for broker in brokers:

        @rig.subscribe(broker, address, group=group)
        async def handle(body: int) -> None:
            seen(body)

    async with rig.running(*brokers):
        for number in range(20):
            await rig.publish(brokers[0], number, address)
        await seen.count(20)
        await rig.nothing_more()
    assert sorted(seen.items) == list(range(20))


@needs(Can.GROUPS_APART)
@pytest.mark.kinds("group")
async def test_every_group_gets_each_message(rig: Rig) -> None:
    """Two groups are two readers."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, group=rig.group())
    async def one(body: int) -> None:
        seen(("one", body))

    @rig.subscribe(broker, address, group=rig.group())
    async def two(body: int) -> None:
        seen(("two", body))

    async with rig.running(broker):
        for number in range(3):
            await rig.publish(broker, number, address)
        await seen.count(6)
        await rig.nothing_more()
    assert sorted(seen.items) == [(who, n) for who in ("one", "two") for n in range(3)]


@needs(Can.GROUP, Can.EVERYONE)
@pytest.mark.kinds("group")
async def test_a_group_and_somebody_alone(rig: Rig) -> None:
    """A subscriber without a group gets everything, whatever groups there are."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    group = rig.group()

    @rig.subscribe(broker, address, group=group)
    async def one(body: int) -> None:
        seen(("group", body))

    @rig.subscribe(broker, address, group=group)
    async def two(body: int) -> None:
        seen(("group", body))

    @rig.subscribe(broker, address)
    async def alone(body: int) -> None:
        seen(("alone", body))

    async with rig.running(broker):
        for number in range(5):
            await rig.publish(broker, number, address)
        await seen.count(10)
        await rig.nothing_more()
    assert sorted(seen.items) == [(who, n) for who in ("alone", "group") for n in range(5)]


@needs(Can.PATTERN)
@pattern_kind
async def test_path_parameters(rig: Rig) -> None:
    """`{name}` parts of the address arrive as arguments, cast, and in the message."""
    broker, root, seen = rig.broker(), rig.address(), rig.seen()
    await rig.ensure(f"{root}.info.7")

    @rig.subscribe(broker, f"{root}.{{level}}.{{number}}")
    async def handle(
        body: str, level: Annotated[str, Path()], message: Message, number: int = Path()
    ) -> None:
        seen((body, level, number, message.path))

    async with rig.running(broker):
        await rig.publish(broker, "x", f"{root}.info.7")
        assert await seen.one() == ("x", "info", 7, {"level": "info", "number": "7"})


@needs(Can.PATTERN)
@pattern_kind
async def test_a_path_parameter_by_another_name(rig: Rig) -> None:
    """`Path("name")` names the part; one that does not exist takes its default."""
    broker, root, seen = rig.broker(), rig.address(), rig.seen()
    await rig.ensure(f"{root}.info")

    @rig.subscribe(broker, f"{root}.{{level}}")
    async def handle(how: Annotated[str, Path("level")], other: str = Path(default="none")) -> None:
        seen((how, other))

    async with rig.running(broker):
        await rig.publish(broker, "x", f"{root}.info")
        assert await seen.one() == ("info", "none")


@needs(Can.PATTERN)
@pattern_kind
async def test_an_address_that_does_not_fit(rig: Rig) -> None:
    """A pattern takes what fits, and nothing else."""
    broker, root, seen = rig.broker(), rig.address(), rig.seen()
    fitting, others = f"{root}.b.in", (f"{root}.a.out", f"x{root}.a.in")
    await rig.ensure(fitting, *others)

    @rig.subscribe(broker, f"{root}.{{name}}.in")
    async def handle(body: str, name: str = Path()) -> None:
        seen((body, name))

    async with rig.running(broker):
        for address in others:
            await rig.publish_anyway(broker, "wrong", address)
        await rig.publish(broker, "right", fitting)
        assert await seen.one() == ("right", "b")
        await rig.nothing_more()
    assert len(seen.items) == 1


@needs(Can.PATTERN, Can.PREFIXED_PATTERN)
@pattern_kind
async def test_a_prefix_before_a_pattern(rig: Rig) -> None:
    """A router's prefix, which may have a `{name}` itself, stands before the pattern."""
    broker, root, seen = rig.broker(), rig.address(), rig.seen()
    await rig.ensure(f"{root}.eu.info")
    router = rig.router(prefix=f"{root}.{{region}}.")

    @rig.subscribe(router, "{level}")
    async def handle(region: str = Path(), level: str = Path()) -> None:
        seen((region, level))

    broker.include_router(router)
    async with rig.running(broker):
        await rig.publish(broker, "x", f"{root}.eu.info")
        assert await seen.one() == ("eu", "info")


@needs(Can.PATTERN)
@pattern_kind
def test_a_name_that_stands_twice(rig: Rig) -> None:
    """Said where it is declared."""
    broker = rig.broker()
    with pytest.raises(SetupError, match=r"Duplicated param name\(s\) x"):
        rig.subscribe(broker, "a.{x}.{x}")


@needs(Can.PATTERN)
@pattern_kind
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],
)
@given(data=st.data())
def test_patterns_take_what_they_take_on_the_server(rig: Rig, data: st.DataObject) -> None:
    """What the server delivers to a pattern, the in-memory broker delivers to it, too."""
    harness, root = rig.harness, rig.address()
    patterns = data.draw(st.lists(harness.patterns(root), min_size=3, max_size=8, unique=True))
    addresses = data.draw(st.lists(harness.concrete(root), min_size=3, max_size=8, unique=True))
    in_memory = asyncio.run(who_gets_what(Rig(harness, "test", rig.kind), patterns, addresses))
    if not rig.on_server:
        return
    real = asyncio.run(who_gets_what(rig, patterns, addresses, expected=len(in_memory)))
    assert real == in_memory


async def who_gets_what(
    rig: Rig, patterns: list[str], addresses: list[str], expected: int = 0
) -> list[tuple[str, str]]:
    """Pairs of pattern and address of what was delivered."""
    broker, seen = rig.broker(), rig.seen()
    await rig.ensure(*addresses)
    for pattern in patterns:

        def declare(pattern: str) -> None:
            @rig.subscribe(broker, pattern)
            async def handle(body: str) -> None:
                seen((pattern, body))

        declare(pattern)
    async with rig.running(broker):
        for address in addresses:
            await rig.publish_anyway(broker, address, address)
        await seen.count(expected)
        await rig.nothing_more()
    return sorted(seen.items)
