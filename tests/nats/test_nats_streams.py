"""JetStream: pushed, pulled and in batches; what acknowledgement does at the server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anystream.core import AckPolicy
from anystream.core.exceptions import NackMessage, RejectMessage, SetupError, SkipMessage
from anystream.nats import (
    ConsumerConfig,
    DeliverPolicy,
    JStream,
    NatsBroker,
    NatsMessage,
    NatsResponse,
    PubAck,
    PullSub,
    StorageType,
)
from anystream.nats.errors import NoStream, StreamRefused
from tests.waiting import Seen, running

pytestmark = pytest.mark.nats

PUSH: dict[str, Any] = {}
PULL: dict[str, Any] = {"pull_sub": PullSub(batch_size=5)}
BATCH: dict[str, Any] = {"pull_sub": PullSub(batch_size=1, timeout=1.0, batch=True)}
KINDS = pytest.mark.parametrize("how", [PUSH, PULL, BATCH], ids=["push", "pull", "batch"])


@pytest.fixture
def broker(nats_url: str) -> NatsBroker:
    return NatsBroker(nats_url, logger=None)


async def pending(broker: NatsBroker, stream: str, durable: str) -> tuple[int, int]:
    """How many messages a consumer has not acknowledged, and has not even been given."""
    await broker.nats.round_trip()
    info = await broker.jetstream.consumer_info(stream, durable)
    return info.num_ack_pending or 0, info.num_pending or 0


async def test_publish_says_where_it_is(broker: NatsBroker, stream: str, subject: str) -> None:
    """A publish to a stream returns the server's acknowledgement."""
    publisher = broker.publisher(subject, stream=JStream(stream, storage=StorageType.MEMORY))
    async with running(broker):
        first = await broker.publish("a", subject, stream=stream)
        second = await publisher.publish("b")
        assert isinstance(first, PubAck)
        assert (first.stream, first.seq, second.seq) == (stream, 1, 2)
        assert await broker.publish("c", subject) is None


async def test_publish_to_the_wrong_stream(broker: NatsBroker, stream: str, subject: str) -> None:
    """The errors name stream and subject, and are of the client's types, too."""
    import nats.js.errors

    broker.publisher(subject, stream=stream)
    async with running(broker):
        with pytest.raises(StreamRefused, match="'other' refused a message") as refused:
            await broker.publish("a", subject, stream="other")
        with pytest.raises(NoStream, match="no stream takes"):
            await broker.publish("a", subject + ".none", stream=stream)
    assert isinstance(refused.value, nats.js.errors.APIError)
    assert refused.value.err_code == 10060


@KINDS
async def test_everything_arrives_once_and_is_acknowledged(
    broker: NatsBroker, stream: str, subject: str, seen: Seen, how: dict[str, Any]
) -> None:
    """Each message is handled once; afterwards the server waits for nothing."""
    many = isinstance(how.get("pull_sub"), PullSub) and how["pull_sub"].batch

    @broker.subscriber(subject, stream=stream, durable="d", **how)
    async def handle(body: Any) -> None:
        seen(body[0] if many else body)

    async with running(broker):
        for number in range(30):
            await broker.publish(number, subject)
        assert sorted(await seen.count(30)) == list(range(30))
        for _ in range(100):
            if await pending(broker, stream, "d") == (0, 0):
                break
        assert await pending(broker, stream, "d") == (0, 0)


OUTCOMES: dict[str, Any] = {
    "fine": None,
    "fails": ValueError("no"),
    "nacks": NackMessage(),
    "rejects": RejectMessage(),
    "skips": SkipMessage(),
}
# policy, outcome -> does it come again? (a skipped message does so after `ack_wait`)
AGAIN = {
    ("ack", "fails"): False,
    ("ack", "fine"): False,
    ("reject_on_error", "fails"): False,
    ("reject_on_error", "nacks"): True,
    ("nack_on_error", "fails"): True,
    ("nack_on_error", "fine"): False,
    ("nack_on_error", "rejects"): False,
    ("reject_on_error", "skips"): True,
    ("manual", "fine"): True,
    ("ack_first", "fails"): False,
}


@KINDS
@pytest.mark.parametrize(("policy", "outcome"), AGAIN, ids=lambda value: str(value))
async def test_policies(
    broker: NatsBroker,
    stream: str,
    subject: str,
    seen: Seen,
    how: dict[str, Any],
    policy: str,
    outcome: str,
) -> None:
    """What comes again depends on the policy and on how the handler ended."""

    @broker.subscriber(
        subject,
        stream=stream,
        durable="d",
        ack_policy=AckPolicy(policy),
        config=ConsumerConfig(ack_wait=0.5, max_deliver=2),
        **how,
    )
    async def handle(body: Any) -> None:
        seen("first" in str(body))
        if "first" in str(body) and OUTCOMES[outcome] is not None:
            raise OUTCOMES[outcome]

    async with running(broker):
        await broker.publish("first", subject)
        if AGAIN[policy, outcome]:
            assert await seen.count(2) == [True, True]
        else:
            await seen.count(1)
            await broker.publish("last", subject)
            # what is not settled would come again before the last one is through
            assert await seen.count(2) == [True, False]
            assert await pending(broker, stream, "d") in ((0, 0), (1, 0))


async def test_nack_with_a_delay(broker: NatsBroker, stream: str, subject: str, seen: Seen) -> None:
    """`nack(delay)` brings a message back after that time, not before."""
    loop = asyncio.get_running_loop()

    @broker.subscriber(subject, stream=stream, durable="d")
    async def handle(body: str, message: NatsMessage) -> None:
        seen((loop.time(), message.raw_message.metadata.num_delivered))
        if len(seen.items) == 1:
            await message.nack(delay=0.3)

    async with running(broker):
        await broker.publish("again", subject)
        (first, _), (second, delivered) = await seen.count(2)
    assert 0.28 < second - first < 5.0
    assert delivered == 2


async def test_acknowledging_by_hand(
    broker: NatsBroker, stream: str, subject: str, seen: Seen
) -> None:
    """`in_progress` keeps a slow handler's message; `ack_sync` waits for the server."""

    @broker.subscriber(
        subject, stream=stream, durable="d", ack_policy=AckPolicy.MANUAL,
        config=ConsumerConfig(ack_wait=0.5),
    )  # fmt: skip
    async def handle(message: NatsMessage) -> None:
        for _ in range(4):
            await asyncio.sleep(0.2)
            await message.in_progress()
        await message.ack_sync()
        seen((await pending(broker, stream, "d"), message.raw_message.is_acked))

    async with running(broker):
        await broker.publish("slow", subject)
        assert await seen.count(1) == [((0, 0), True)]


async def test_pulled_messages_are_handled_together(
    broker: NatsBroker, stream: str, subject: str, seen: Seen
) -> None:
    """`batch_size` messages are in hand at once, and never more."""
    together, current, most = asyncio.Event(), 0, 0

    @broker.subscriber(subject, stream=stream, pull_sub=PullSub(batch_size=4))
    async def handle(body: int) -> None:
        nonlocal current, most
        current += 1
        most = max(most, current)
        if current == 4:
            together.set()
        await asyncio.wait_for(together.wait(), 5.0)
        await asyncio.sleep(0)
        current -= 1
        seen(body)

    async with running(broker):
        for number in range(12):
            await broker.publish(number, subject)
        await seen.count(12)
    assert most == 4


async def test_a_pulled_message_waits_at_the_server(
    broker: NatsBroker, nats_url: str, stream: str, subject: str, seen: Seen
) -> None:
    """With batch_size 1 nothing is taken while a handler works, so another member gets it."""
    release = asyncio.Event()
    other = NatsBroker(nats_url, logger=None)

    @broker.subscriber(subject, stream=stream, durable="d", pull_sub=True)
    async def slow(body: int) -> None:
        seen(("slow", body))
        await release.wait()

    @other.subscriber(subject, stream=JStream(stream, declare=False), durable="d", pull_sub=True)
    async def quick(body: int) -> None:
        seen(("quick", body))

    async with running(broker):
        await broker.publish(0, subject)
        assert await seen.count(1) == [("slow", 0)]
        for number in (1, 2, 3):
            await broker.publish(number, subject)
        async with running(other):
            assert await seen.count(4) == [("slow", 0), *(("quick", n) for n in (1, 2, 3))]
            release.set()


async def test_a_batch_is_full_or_in_time(
    broker: NatsBroker, stream: str, subject: str, seen: Seen
) -> None:
    """A handler gets as many as fit at once, and what there is when the time is over."""

    @broker.subscriber(
        subject, stream=stream, pull_sub=PullSub(batch_size=5, timeout=0.5, batch=True)
    )
    async def handle(bodies: list[int], message: NatsMessage) -> None:
        seen((bodies, len(message.batch_headers)))

    async with running(broker):
        for number in range(7):
            await broker.publish(number, subject)
        assert await seen.count(2) == [([0, 1, 2, 3, 4], 5), ([5, 6], 2)]


@KINDS
async def test_an_answer_goes_to_who_asked(
    broker: NatsBroker, stream: str, subject: str, seen: Seen, how: dict[str, Any]
) -> None:
    """The reply address of a message in a stream is read, in a batch that of the first one."""

    @broker.subscriber(subject, stream=stream, **how)
    async def handle(body: Any) -> str:
        return "answer"

    @broker.subscriber(f"{subject}.answers")
    async def answered(text: str) -> None:
        seen(text)

    async with running(broker):
        await broker.publish(1, subject, stream=stream, reply_to=f"{subject}.answers")
        assert await seen.count(1) == ["answer"]


async def test_of_a_push_queue_one_gets_each(
    broker: NatsBroker, nats_url: str, stream: str, subject: str, seen: Seen
) -> None:
    """Members of a queue group share the messages of a stream."""
    other = NatsBroker(nats_url, logger=None)
    for one in (broker, other):

        @one.subscriber(subject, "group", stream=stream)
        async def handle(body: int) -> None:
            seen(body)

    async with running(broker), running(other):
        for number in range(20):
            await broker.publish(number, subject)
        await seen.count(20)
    assert sorted(seen.items) == list(range(20))


async def test_durable_goes_on_where_it_was(
    broker: NatsBroker, stream: str, subject: str, seen: Seen
) -> None:
    """What was published while nobody ran comes at the next start."""

    @broker.subscriber(subject, stream=stream, durable="d")
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        await broker.publish(1, subject)
        await seen.count(1)
    async with broker:
        await broker.publish(2, subject, stream=stream)
    async with running(broker):
        assert await seen.count(2) == [1, 2]


async def test_only_new_messages(broker: NatsBroker, stream: str, subject: str, seen: Seen) -> None:
    """`deliver_policy` says where to begin."""
    broker.publisher(subject, stream=stream)
    async with running(broker):
        await broker.publish("old", subject, stream=stream)
        subscriber = broker.subscriber(
            subject, stream=stream, pull_sub=True, deliver_policy=DeliverPolicy.NEW
        )
        subscriber(seen_by(seen))
        await subscriber.start()
        await broker.publish("new", subject, stream=stream)
        assert await seen.count(1) == ["new"]


def seen_by(seen: Seen) -> Any:
    async def handle(body: str) -> None:
        seen(body)

    return handle


@pytest.mark.parametrize(
    "options",
    [
        {"ordered_consumer": True},
        {"idle_heartbeat": 0.5, "flow_control": True, "durable": "d"},
        {"pull_sub": True, "inbox_prefix": b"_INBOX.mine."},
        {"max_workers": 3},
        {"pull_sub": PullSub(2), "max_workers": 5},
    ],
    ids=lambda options: next(iter(options)),
)
async def test_more_options(
    broker: NatsBroker, stream: str, subject: str, seen: Seen, options: dict[str, Any]
) -> None:
    """Messages arrive with the rarer options, too."""

    @broker.subscriber(subject, stream=stream, **options)
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        for number in range(10):
            await broker.publish(number, subject)
        await seen.count(10)
        assert await broker.ping(2.0)
    assert sorted(seen.items) == list(range(10))


async def test_request_through_a_stream(broker: NatsBroker, stream: str, subject: str) -> None:
    """The answer to a request that went through a stream comes back, too."""

    @broker.subscriber(subject, stream=stream)
    async def double(number: int) -> NatsResponse:
        return NatsResponse(number * 2, stream="not for replies")

    broker.publisher(subject + ".x", stream=stream)
    async with running(broker):
        answer = await broker.request(4, subject, stream=stream, timeout=5.0)
        assert await answer.decode() == 8
        with pytest.raises(TimeoutError, match=f"no answer on '{subject}.x'"):
            await broker.request(4, subject + ".x", stream=stream, timeout=0.2)


async def test_path_parts_of_a_stream(
    broker: NatsBroker, stream: str, subject: str, seen: Seen
) -> None:
    """Subjects of streams have path parts, too."""
    from anystream.core import Path

    @broker.subscriber(subject + ".{name}", stream=stream)
    async def handle(name: str = Path()) -> None:
        seen(name)

    async with running(broker):
        await broker.publish(1, subject + ".joe")
        assert await seen.count(1) == ["joe"]


async def test_streams_get_the_subjects_of_all(
    broker: NatsBroker, nats_url: str, stream: str, subject: str
) -> None:
    """Each broker adds the subjects of its subscribers; covered ones are left out."""
    shared = JStream(stream)
    for name in (".a.b", ".a.*", ".z.{x}.c", ".d"):
        broker.subscriber(subject + name, stream=shared)
    async with running(broker):
        info = await broker.jetstream.stream_info(stream)
        assert set(info.config.subjects) == {f"{subject}.{n}" for n in ("a.*", "z.*.c", "d")}
    other = NatsBroker(nats_url, logger=None)
    other.subscriber(subject + ".e", stream=stream)
    async with running(other):
        info = await other.jetstream.stream_info(stream)
        assert {f"{subject}.e", f"{subject}.d"} <= set(info.config.subjects)


async def test_stream_that_is_not_there(broker: NatsBroker, stream: str, subject: str) -> None:
    """A missing stream fails the start and is named."""

    @broker.subscriber(subject, stream=JStream(stream, declare=False), durable="d", pull_sub=True)
    async def handle() -> None: ...

    with pytest.raises(SetupError, match=f"no stream '{stream}'"):
        await broker.start()
    assert not broker.running


async def test_one_durable_two_ways(broker: NatsBroker, stream: str, subject: str) -> None:
    """A consumer for pushing cannot be pulled from; the error says which."""

    @broker.subscriber(subject, stream=stream, durable="d")
    async def handle() -> None: ...

    async with running(broker):
        second = broker.subscriber(subject, stream=stream, durable="d", pull_sub=True)
        second(seen_by(Seen()))
        with pytest.raises(SetupError, match=r"consumer 'd' of stream .* cannot be pulled from"):
            await second.start()


async def test_unnamed_consumers_go_with_the_subscriber(
    broker: NatsBroker, nats_url: str, stream: str, subject: str, seen: Seen
) -> None:
    """After `stop()` the server keeps no consumer that nobody can name."""
    broker.subscriber(subject, stream=stream)(seen_by(seen))
    broker.subscriber(subject, stream=stream, pull_sub=True)(seen_by(seen))
    async with running(broker):
        await broker.publish("x", subject)
        await seen.count(2)
    async with NatsBroker(nats_url, logger=None) as other:
        info = await other.jetstream.stream_info(stream)
        assert info.state.consumer_count == 0


async def test_get_one_and_iteration(
    broker: NatsBroker, stream: str, subject: str, seen: Seen
) -> None:
    """Messages of a stream are taken one by one; without one `get_one` returns None."""
    subscriber = broker.subscriber(subject, stream=stream)
    async with running(broker):
        for number in range(4):
            await broker.publish(number, subject, stream=stream)
        first = await subscriber.get_one(timeout=5.0)
        assert first is not None
        await first.ack()
        assert await first.decode() == 0
        async for message in subscriber:
            seen(await message.decode())
            if len(seen.items) == 3:
                break
        assert seen.items == [1, 2, 3]
        assert await subscriber.get_one(timeout=0.1) is None


async def test_get_one_of_a_core_subject(broker: NatsBroker, subject: str) -> None:
    """It subscribes at the first call."""
    subscriber = broker.subscriber(subject + ".{name}")
    async with running(broker):
        assert await subscriber.get_one(timeout=0.05) is None
        await broker.publish("x", subject + ".joe")
        message = await subscriber.get_one(timeout=5.0)
        assert message is not None
        assert (await message.decode(), message.path) == ("x", {"name": "joe"})


async def test_buckets(broker: NatsBroker, stream: str) -> None:
    """Key-value and object buckets are the client's."""
    async with running(broker):
        bucket = await broker.key_value(stream, history=3)
        try:
            await bucket.put("a", b"1")
            assert (await (await broker.key_value(stream)).get("a")).value == b"1"
            assert await broker.key_value(stream) is bucket
        finally:
            await broker.jetstream.delete_key_value(stream)
        objects = await broker.object_storage(stream)
        try:
            await objects.put("o", b"data")
            assert (await objects.get("o")).data == b"data"
        finally:
            await broker.jetstream.delete_object_store(stream)
