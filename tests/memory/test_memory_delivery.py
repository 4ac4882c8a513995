"""The embedded broker at work: delivery, groups, wildcards, answers, redelivery."""

import asyncio
from typing import Annotated, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anystream.core import AckPolicy, Context, Path
from anystream.core.address import nats_template
from anystream.core.exceptions import (
    IncorrectState,
    NackMessage,
    OptionError,
    PublishError,
    RequestFailed,
    SetupError,
    SubscriberNotFound,
)
from anystream.core.subjects import SubjectIndex, matches
from anystream.memory import Bus, MemoryBroker

pytestmark = pytest.mark.memory


class Box:
    """Collects, and waits for a number of things."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._changed = asyncio.Event()

    def put(self, item: Any) -> None:
        self.items.append(item)
        self._changed.set()

    async def take(self, item: Any) -> None:
        """A handler."""
        self.put(item)

    async def wait(self, count: int) -> list[Any]:
        async def enough() -> None:
            while len(self.items) < count:
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(enough(), 5)
        return self.items


async def test_messages_arrive_in_order() -> None:
    """What is published is handled by another task, in order, and by every subscriber."""
    broker, one, two = MemoryBroker(logger=None), Box(), Box()
    broker.subscriber("in")(one.take)
    broker.subscriber("in")(two.take)
    await broker.start()
    try:
        for number in range(20):
            await broker.publish(number, "in")
        assert one.items == []
        assert await one.wait(20) == await two.wait(20) == list(range(20))
    finally:
        await broker.stop()


async def test_of_a_group_one_member_gets_a_message() -> None:
    """Members with the same queue name share the work; others get all of it."""
    broker, first, second, alone = MemoryBroker(logger=None), Box(), Box(), Box()
    broker.subscriber("in", queue="group")(first.take)
    broker.subscriber("in", "group")(second.take)
    broker.subscriber("in")(alone.take)
    await broker.start()
    try:
        for number in range(20):
            await broker.publish(number, "in")
        await alone.wait(20)
        while len(first.items) + len(second.items) < 20:
            await asyncio.sleep(0)
    finally:
        await broker.stop()
    assert sorted(first.items + second.items) == list(range(20))
    assert first.items
    assert second.items


TOKENS = st.sampled_from(["a", "b", "ab", "c1"])
SUBJECTS = st.lists(TOKENS, min_size=1, max_size=4).map(".".join)
PATTERNS = st.builds(
    lambda tokens, tail: ".".join([*tokens, ">"] if tail or not tokens else tokens),
    st.lists(TOKENS | st.just("*"), max_size=4),
    st.booleans(),
)


def reference(pattern: list[str], subject: list[str]) -> bool:
    """The rules of wildcards, as simply as they can be said."""
    if not pattern or not subject:
        return not pattern and not subject
    if pattern == [">"]:
        return True
    return pattern[0] in ("*", subject[0]) and reference(pattern[1:], subject[1:])


@settings(max_examples=80, deadline=None)
@given(st.lists(PATTERNS, max_size=6), st.lists(SUBJECTS, min_size=1, max_size=4))
@example(["a.>"], ["a", "a.b", "a.b.c"])
def test_wildcards_against_a_reference(patterns: list[str], subjects: list[str]) -> None:
    """The index finds what a plain matcher finds, also when something is added or removed."""
    index = SubjectIndex()
    entries = [object() for _ in patterns]
    for pattern, entry in zip(patterns, entries, strict=True):
        index.add(pattern, entry)

    def check(known: list[tuple[str, object]]) -> None:
        for subject in subjects:
            expected = {
                entry
                for pattern, entry in known
                if reference(pattern.split("."), subject.split("."))
            }
            assert set(index.find(subject)) == expected
            for pattern, _ in known:
                assert matches(pattern, subject) == reference(
                    pattern.split("."), subject.split(".")
                )

    check(list(zip(patterns, entries, strict=True)))
    for entry in entries[::2]:
        index.remove(entry)
    check(list(zip(patterns, entries, strict=True))[1::2])


@settings(max_examples=50, deadline=None)
@given(st.lists(TOKENS | st.sampled_from(["{x}", "{y}", "*"]), min_size=1, max_size=4), SUBJECTS)
def test_templates_capture_what_the_wire_pattern_matches(parts: list[str], subject: str) -> None:
    """A template's values are the tokens at its places."""
    if parts.count("{x}") > 1 or parts.count("{y}") > 1:
        return
    template = nats_template(".".join(parts))
    tokens = subject.split(".")
    if not matches(template.wire, subject):
        return
    expected = {
        part[1:-1]: token for part, token in zip(parts, tokens, strict=True) if part[0] == "{"
    }
    assert template.capture(subject) == expected


async def test_path_parameters() -> None:
    """`{name}` parts arrive as arguments; `>` takes the rest."""
    broker, box = MemoryBroker(logger=None), Box()

    @broker.subscriber("logs.{level}.>")
    async def handler(
        body: str, level: Annotated[str, Path()], message: Annotated[Any, Context()]
    ) -> None:
        box.put((body, level, message.path))

    await broker.start()
    try:
        await broker.publish("x", "logs.info.a.b")
        await broker.publish("nobody", "logs.info")
        assert await box.wait(1) == [("x", "info", {"level": "info"})]
    finally:
        await broker.stop()


async def test_request_and_reply() -> None:
    """The answer comes back with the correlation id of the question."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("double")
    async def double(body: int) -> int:
        return body * 2

    await broker.start()
    try:
        answers = await asyncio.gather(
            *(broker.request(n, "double", correlation_id=str(n), timeout=5) for n in range(10))
        )
    finally:
        await broker.stop()
    assert [await answer.decode() for answer in answers] == [n * 2 for n in range(10)]
    assert [answer.correlation_id for answer in answers] == [str(n) for n in range(10)]


async def test_requests_without_an_answer() -> None:
    """Nobody there, nobody answering, an error: each ends in its own exception, in time."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("silent", no_reply=True)
    async def silent(body: Any) -> str:
        return "never sent"

    @broker.subscriber("broken")
    async def broken(body: Any) -> str:
        raise ValueError("boom")

    await broker.start()
    try:
        with pytest.raises(SubscriberNotFound, match="nowhere"):
            await broker.request(1, "nowhere")
        with pytest.raises(TimeoutError, match="silent"):
            await broker.request(1, "silent", timeout=0.05)
        with pytest.raises(RequestFailed, match="'broken' failed with ValueError"):
            await broker.request(1, "broken", timeout=30.0)
    finally:
        await broker.stop()


async def test_explicit_reply_to() -> None:
    """`reply_to` sends the result to a subject of one's own."""
    broker, box = MemoryBroker(logger=None), Box()

    @broker.subscriber("in")
    async def handler(body: str) -> str:
        return f"re: {body}"

    @broker.subscriber("answers")
    async def answers(body: str, message: Annotated[Any, Context()]) -> None:
        box.put((body, message.correlation_id, message.reply_to))

    await broker.start()
    try:
        await broker.publish("x", "in", reply_to="answers", correlation_id="c")
        assert await box.wait(1) == [("re: x", "c", "")]
    finally:
        await broker.stop()


@pytest.mark.parametrize("how", ["policy", "exception", "by hand"])
async def test_nack_delivers_again(how: str) -> None:
    """A nacked message comes again until it is acknowledged."""
    broker, box = MemoryBroker(logger=None), Box()
    policy = AckPolicy.NACK_ON_ERROR if how == "policy" else AckPolicy.REJECT_ON_ERROR

    @broker.subscriber("in", ack_policy=policy)
    async def handler(body: str, message: Annotated[Any, Context()]) -> None:
        box.put(message.raw_message.delivered)
        if len(box.items) == 3:
            return
        if how == "by hand":
            await message.nack()
        elif how == "exception":
            raise NackMessage(delay=0.001)
        else:
            raise ValueError("try again")

    await broker.start()
    try:
        await broker.publish("x", "in")
        assert await box.wait(3) == [1, 2, 3]
        assert await broker.ping()
    finally:
        await broker.stop()
    assert box.items == [1, 2, 3]


async def test_reject_does_not_deliver_again() -> None:
    """The default policy forgets a message whose handler failed, and goes on."""
    broker, box = MemoryBroker(logger=None), Box()

    @broker.subscriber("in")
    async def handler(body: str) -> None:
        box.put(body)
        if body == "bad":
            raise ValueError("boom")

    await broker.start()
    try:
        await broker.publish("bad", "in")
        await broker.publish("good", "in")
        assert await box.wait(2) == ["bad", "good"]
    finally:
        await broker.stop()
    assert box.items == ["bad", "good"]


async def test_batches() -> None:
    """A batch handler gets all that waits, decoded."""
    broker, box = MemoryBroker(logger=None), Box()
    gate = asyncio.Event()

    @broker.subscriber("in", batch=True)
    async def handler(bodies: list[int]) -> None:
        box.put(bodies)
        await gate.wait()

    await broker.start()
    try:
        await broker.publish(0, "in")
        await box.wait(1)
        for number in (1, 2, 3):
            await broker.publish(number, "in")
        gate.set()
        assert await box.wait(2) == [[0], [1, 2, 3]]
    finally:
        await broker.stop()


async def test_two_brokers_on_one_bus() -> None:
    """Brokers that are given the same bus reach each other; others do not."""
    bus = Bus()
    left, right = MemoryBroker(bus, logger=None), MemoryBroker(bus, logger=None)
    other = MemoryBroker(logger=None)
    box = Box()
    right.subscriber("in")(box.take)
    for broker in (left, right, other):
        await broker.start()
    try:
        await other.publish("lost", "in")
        await left.publish("found", "in")
        assert await box.wait(1) == ["found"]
    finally:
        for broker in (left, right, other):
            await broker.stop()


async def test_publishers_of_results() -> None:
    """The nearest publisher first, each with the result; static headers do not override."""
    from anystream.core import Response

    broker, box = MemoryBroker(logger=None), Box()

    @broker.publisher("last", headers={"who": "last", "mine": "static"})
    @broker.subscriber("in")
    @broker.publisher("first", headers={"who": "first"})
    async def handler(body: str) -> Any:
        return Response(body.upper(), headers={"mine": "own"})

    @broker.subscriber("first")
    @broker.subscriber("last")
    async def receiver(body: str, message: Annotated[Any, Context()]) -> None:
        head = message.headers
        box.put((message.raw_message.subject, body, head.get("who"), head["mine"]))

    await broker.start()
    try:
        await broker.publish("x", "in")
        got = await box.wait(2)
    finally:
        await broker.stop()
    assert sorted(got) == [("first", "X", "first", "own"), ("last", "X", "last", "own")]


@pytest.mark.parametrize("subject", ["", "a..b", "a b", "a.*", "a.>", 5, None])
async def test_subjects_that_are_none_cannot_be_published_to(subject: Any) -> None:
    """An error of ours that shows the subject."""
    async with MemoryBroker(logger=None) as broker:
        with pytest.raises(PublishError, match=r"subject|wildcard"):
            await broker.publish(1, subject)


@pytest.mark.parametrize("subject", ["", "a..b", "a b", "a.>.b", 5, None, ["a"]])
def test_subjects_that_are_none_cannot_be_subscribed_to(subject: Any) -> None:
    """Said when it is declared."""
    with pytest.raises(SetupError, match=r"subject|last part"):
        MemoryBroker().subscriber(subject)


def test_names_that_stand_twice() -> None:
    """A template needs different names."""
    with pytest.raises(SetupError, match=r"Duplicated param name\(s\) x at path in\.\{x\}\.\{x\}"):
        MemoryBroker().subscriber("in.{x}.{x}")


def test_unknown_options() -> None:
    """The nearest right name is suggested."""
    with pytest.raises(OptionError, match=r"max_worker.*did you mean 'max_workers'"):
        MemoryBroker().subscriber("in", max_worker=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"grace_timeout.*graceful_timeout"):
        MemoryBroker(grace_timeout=2)  # type: ignore[call-arg]
    for workers in (-1, "2", 1.5):
        with pytest.raises(SetupError, match="max_workers"):
            MemoryBroker().subscriber("in", max_workers=workers)  # type: ignore[arg-type]


async def test_a_body_that_cannot_be_encoded() -> None:
    """The error names the type."""
    async with MemoryBroker(logger=None) as broker:
        with pytest.raises(PublishError, match="type object cannot be encoded"):
            await broker.publish(object(), "in")


async def test_publishing_before_connect_and_after_stop() -> None:
    """The error says which broker, where to, and what to do."""
    broker = MemoryBroker(logger=None)
    for _ in range(2):
        with pytest.raises(IncorrectState, match=r"MemoryBroker.*'in'.*connect"):
            await broker.publish(1, "in")
        with pytest.raises(IncorrectState):
            await broker.publisher("in").publish(1)
        async with broker:
            await broker.publish(1, "in")
