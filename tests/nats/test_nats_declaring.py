"""What is declared meets what is at the server: streams, consumers, schedules."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from anystream.core.exceptions import FeatureNotSupportedException, PublishError, SetupError
from anystream.nats import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    JStream,
    NatsBroker,
    PullSub,
    RetentionPolicy,
    Schedule,
    StorageType,
    StreamSource,
    TestNatsBroker,
)
from tests.nats.conftest import NatsServer
from tests.waiting import Seen, running

pytestmark = pytest.mark.nats

Kinds = pytest.mark.parametrize("pull", [None, PullSub(4, timeout=1.0)], ids=["push", "pull"])


@pytest.fixture
def broker(nats_url: str) -> NatsBroker:
    return NatsBroker(nats_url, logger=None)


async def config_of(broker: NatsBroker, stream: str) -> Any:
    return (await broker.jetstream.stream_info(stream)).config


async def test_all_options_of_a_stream(broker: NatsBroker, stream: str, subject: str) -> None:
    """What `JStream` says is what the server has."""
    broker.subscriber(
        subject + ".in",
        stream=JStream(
            stream,
            "for a test",
            [subject + ".more.*"],
            retention=RetentionPolicy.INTEREST,
            max_consumers=7,
            max_msgs=1000,
            max_bytes=100_000,
            max_age=3600.0,
            max_msgs_per_subject=10,
            max_msg_size=1000,
            storage=StorageType.MEMORY,
            num_replicas=1,
            duplicate_window=60.0,
            deny_delete=True,
            allow_rollup_hdrs=True,
            allow_direct=True,
        ),
    )
    async with running(broker):
        config = await config_of(broker, stream)
    assert config.description == "for a test"
    assert sorted(config.subjects) == [subject + ".in", subject + ".more.*"]
    assert (config.retention, config.storage) == ("interest", "memory")
    assert (config.max_consumers, config.max_msgs, config.max_bytes) == (7, 1000, 100_000)
    assert (config.max_age, config.duplicate_window) == (3600.0, 60.0)
    assert (config.max_msgs_per_subject, config.max_msg_size) == (10, 1000)
    assert config.deny_delete
    assert config.allow_rollup_hdrs
    assert config.allow_direct


async def test_subjects_of_subscribers_and_publishers(
    broker: NatsBroker, stream: str, subject: str
) -> None:
    """Subjects of both are joined, without those that a wildcard covers."""
    shared = JStream(stream)
    broker.subscriber(subject + ".a.*", stream=shared)
    broker.publisher(subject + ".a.b", stream=shared)
    broker.publisher(subject + ".c.d", stream=shared)
    broker.subscriber(subject + ".c.>", stream=shared)
    async with running(broker):
        config = await config_of(broker, stream)
        assert sorted(config.subjects) == [subject + ".a.*", subject + ".c.>"]


async def test_a_stream_that_is_there_keeps_what_nobody_mentions(
    nats_url: str, stream: str, subject: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream is given the missing subjects, with a warning; its limits stay."""
    first = NatsBroker(nats_url, logger=None)
    first.subscriber(subject + ".a", stream=JStream(stream, "described", max_age=60.0))
    async with running(first):
        pass
    logger = logging.getLogger("declaring")
    second = NatsBroker(nats_url, logger=logger)
    second.subscriber(subject + ".b", stream=JStream(stream, max_msgs=50))
    with caplog.at_level(logging.WARNING, logger="declaring"):
        async with running(second):
            config = await config_of(second, stream)
        assert sorted(config.subjects) == [subject + ".a", subject + ".b"]
        assert (config.description, config.max_age, config.max_msgs) == ("described", 60.0, 50)
        assert [record.message for record in caplog.records] == [
            f"JStream({stream!r}) is there with another configuration; it is updated and takes "
            f"{subject}.a, {subject}.b"
        ]
        caplog.clear()
        for again in (first, second):  # nothing new: nothing is changed or said
            async with running(again):
                assert (await config_of(again, stream)).max_msgs == 50
        assert not caplog.records


@pytest.mark.parametrize(
    "options",
    [{"storage": StorageType.MEMORY}, {"retention": RetentionPolicy.LIMITS, "max_consumers": 3}],
)
async def test_a_stream_declared_differently(
    nats_url: str, stream: str, subject: str, options: dict[str, Any]
) -> None:
    """What cannot be changed fails the start, and names stream, users and the way out."""
    first = NatsBroker(nats_url, logger=None)
    declared = JStream(stream, retention=RetentionPolicy.WORK_QUEUE, storage=StorageType.FILE)
    first.subscriber(subject, stream=declared)
    async with running(first):
        pass
    second = NatsBroker(nats_url, logger=None)

    @second.subscriber(subject, stream=JStream(stream, **options))
    async def invoice() -> None: ...

    with pytest.raises(
        SetupError, match=rf"JStream\('{stream}'\), used by .*invoice.* cannot be declared: .*"
    ) as error:
        await second.start()
    assert "declare=False" in str(error.value)
    assert not second.running
    as_it_is = NatsBroker(nats_url, logger=None)
    as_it_is.subscriber(subject, stream=JStream(stream, declare=False, **options))
    async with running(as_it_is):
        pass


async def test_a_subject_of_another_stream(broker: NatsBroker, stream: str, subject: str) -> None:
    """Two streams cannot have one subject; the error says so."""
    broker.subscriber(subject, stream=stream)
    broker.publisher(subject, stream=stream + "-two")
    with pytest.raises(SetupError, match=f"JStream.*{stream}-two.*subjects overlap"):
        await broker.start()


async def test_a_mirror(nats_url: str, stream: str, subject: str, seen: Seen) -> None:
    """A mirror is read like any stream; its subjects are those of its origin."""
    origin = NatsBroker(nats_url, logger=None)
    origin.publisher(subject, stream=JStream(stream))
    async with running(origin):
        # without `stream=`: mirrors of NATS 2.9 refuse what names the stream that it is for
        await origin.publish(1, subject)
    broker = NatsBroker(nats_url, logger=None)
    mirror = JStream(stream + "-mirror", mirror=StreamSource(name=stream))

    @broker.subscriber(subject, stream=mirror)
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        try:
            assert await seen.count(1) == [1]
            assert not (await config_of(broker, mirror.name)).subjects
        finally:
            await broker.jetstream.delete_stream(mirror.name)


async def test_streams_of_subscribers_that_come_later(
    broker: NatsBroker, stream: str, subject: str, seen: Seen
) -> None:
    """A subscriber added while the broker runs has its stream made, its subject added."""
    async with running(broker):
        for name in ("a", "b"):
            subscriber = broker.subscriber(f"{subject}.{name}", stream=stream)
            subscriber(lambda body: seen(body))
            await subscriber.start()
            await broker.publish(name, f"{subject}.{name}", stream=stream, timeout=5.0)
        assert sorted(await seen.count(2)) == ["a", "b"]


@Kinds
async def test_a_consumer_gets_its_new_configuration(
    nats_url: str, stream: str, subject: str, pull: PullSub | None
) -> None:
    """What can be changed of a consumer that is there is changed; the rest stays."""

    async def run(config: ConsumerConfig) -> Any:
        broker = NatsBroker(nats_url, logger=None)
        subscriber = broker.subscriber(
            subject, stream=stream, durable="d", pull_sub=pull, config=config
        )
        subscriber(lambda: None)
        async with running(broker):
            return (await broker.jetstream.consumer_info(stream, "d")).config

    first = await run(ConsumerConfig(ack_wait=10.0, max_deliver=3, description="one"))
    assert (first.ack_wait, first.max_deliver) == (10.0, 3)
    second = await run(ConsumerConfig(ack_wait=20.0, deliver_policy=DeliverPolicy.NEW))
    assert (second.ack_wait, second.max_deliver, second.description) == (20.0, 3, "one")


@Kinds
async def test_the_subject_of_a_configuration(
    broker: NatsBroker, stream: str, subject: str, pull: PullSub | None, seen: Seen
) -> None:
    """A configuration with a subject of its own needs no other."""
    broker.subscriber(
        stream=stream, config=ConsumerConfig(filter_subject=subject + ".a"), pull_sub=pull
    )(lambda body: seen(body))
    broker.publisher(subject + ".b", stream=stream)
    async with running(broker):
        for name in ("b", "a"):
            await broker.publish(name, f"{subject}.{name}", stream=stream)
        assert await seen.count(1) == ["a"]


@Kinds
async def test_a_consumer_declared_differently(
    nats_url: str, stream: str, subject: str, pull: PullSub | None
) -> None:
    """What cannot be changed fails the start; the error says what differs."""
    broker = NatsBroker(nats_url, logger=None)
    broker.subscriber(subject, stream=stream, durable="d", pull_sub=pull)(lambda: None)
    async with running(broker):
        pass
    other = NatsBroker(nats_url, logger=None)
    config = ConsumerConfig(ack_policy=AckPolicy.ALL)
    other.subscriber(subject, stream=stream, durable="d", pull_sub=pull, config=config)(
        lambda: None
    )
    with pytest.raises(SetupError, match=r"consumer 'd' of .* ack_policy=.*declared.*cannot be"):
        await other.start()


async def test_a_consumer_for_pulling_cannot_push(
    broker: NatsBroker, stream: str, subject: str
) -> None:
    """And it says what to do."""
    broker.subscriber(subject, stream=stream, durable="d", pull_sub=True)(lambda: None)
    async with running(broker):
        second = broker.subscriber(subject, stream=stream, durable="d")
        second(lambda: None)
        with pytest.raises(SetupError, match=r"'d' of stream .* is pulled from .* add pull_sub"):
            await second.start()


async def test_filter_subjects(nats_url: str, stream: str, subject: str, seen: Seen) -> None:
    """One is possible everywhere; several need a newer server, and say so on an old one."""
    broker = NatsBroker(nats_url, logger=None)
    declared = JStream(stream, subjects=[f"{subject}.*"])

    @broker.subscriber(stream=declared, config=ConsumerConfig(filter_subjects=[f"{subject}.b"]))
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        version = broker.connection.connected_server_version
        for name in ("a", "b"):
            await broker.publish(name, f"{subject}.{name}", stream=stream)
        assert await seen.count(1) == ["b"]
    two = NatsBroker(nats_url, logger=None)
    names = [f"{subject}.a", f"{subject}.b"]
    two.subscriber(stream=declared, config=ConsumerConfig(filter_subjects=names))(
        lambda body: seen(body)
    )
    if (version.major, version.minor) >= (2, 10):
        async with running(two):
            assert sorted((await seen.count(3))[1:]) == ["a", "b"]
    else:
        with pytest.raises(FeatureNotSupportedException, match=r"needs NATS 2\.10 or later"):
            await two.start()


async def test_the_consumer_of_a_group_stays(
    nats_url: str, stream: str, subject: str, seen: Seen
) -> None:
    """When one member of a queue group ends the others go on, and so does the position."""
    first, second = (NatsBroker(nats_url, logger=None) for _ in range(2))
    for broker in (first, second):
        broker.subscriber(subject, "workers", stream=stream)(lambda body: seen(body))
    async with running(first):
        async with running(second):
            await first.publish(1, subject, stream=stream)
            await seen.count(1)
        await first.publish(2, subject, stream=stream)
        await seen.count(2)
        info = await first.jetstream.consumer_info(stream, "workers")
        assert not info.config.inactive_threshold
    async with first:
        await first.publish(3, subject, stream=stream)
    async with running(second):
        assert await seen.count(3) == [1, 2, 3]


async def test_pause_of_a_pushed_stream_without_a_name(
    broker: NatsBroker, stream: str, subject: str, seen: Seen
) -> None:
    """After a pause nothing comes twice, also when nobody gave the consumer a name."""
    subscriber = broker.subscriber(subject, stream=stream)

    @subscriber
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        for number in range(3):
            await broker.publish(number, subject, stream=stream)
        await seen.count(3)
        await subscriber.pause()
        await broker.publish(3, subject, stream=stream)
        await subscriber.resume()
        await broker.publish(4, subject, stream=stream)
        assert await seen.count(5) == list(range(5))


async def test_ordered_through_an_outage(
    nats_servers: Callable[..., NatsServer], seen: Seen
) -> None:
    """An ordered consumer misses and repeats nothing, wherever it began."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, reconnect_time_wait=0.05, logger=None)

    @broker.subscriber("a", stream="S", ordered_consumer=True, deliver_policy=DeliverPolicy.NEW)
    async def handle(body: int) -> None:
        seen(body)

    other = NatsBroker(server.url, logger=None)
    async with other:
        await other.jetstream.add_stream(name="S", subjects=["a"])
        await other.publish(0, "a", stream="S")
    async with running(broker):
        server.kill()
        await server.start()
        async with other:
            for number in range(1, 4):
                await other.publish(number, "a", stream="S", timeout=5.0)
        await seen.count(3, timeout=20.0)
        await broker.connection.force_reconnect()
        await broker.publish(4, "a")
        assert await seen.count(4, timeout=20.0) == [1, 2, 3, 4]


async def test_what_the_server_is_too_old_for(
    broker: NatsBroker, nats_url: str, stream: str, subject: str
) -> None:
    """Schedules are delivered in time, or refused: never delivered at once."""
    soon = Schedule(datetime.now(timezone.utc) + timedelta(seconds=1), subject + ".due")
    async with broker:
        version = broker.connection.connected_server_version
        if (version.major, version.minor) >= (2, 12):
            return
        with pytest.raises(
            FeatureNotSupportedException, match=r"needs NATS 2\.12 or later, the server is 2"
        ):
            await broker.publish("x", subject, schedule=soon)
    other = NatsBroker(nats_url, logger=None)
    other.subscriber(subject, stream=JStream(stream, allow_msg_schedules=True))
    with pytest.raises(SetupError, match=r"option allow_msg_schedules needs NATS 2\.12"):
        await other.start()


async def test_schedules(broker: NatsBroker, stream: str, subject: str, seen: Seen) -> None:
    """A scheduled message comes on its target, not before its time."""
    async with broker:
        version = broker.connection.connected_server_version
    if (version.major, version.minor) < (2, 12):
        return
    declared = JStream(stream, subjects=[subject + ".plan"], allow_msg_schedules=True)

    @broker.subscriber(subject + ".due", stream=declared)
    async def handle(body: str) -> None:
        seen((body, datetime.now(timezone.utc)))

    due = datetime.now(timezone.utc) + timedelta(seconds=2)
    async with running(broker):
        await broker.publish(
            "later", subject + ".plan", stream=stream, schedule=Schedule(due, subject + ".due")
        )
        [(body, moment)] = await seen.count(1)
        assert body == "later"
        assert moment >= due - timedelta(seconds=1)


async def test_schedules_in_test_mode(seen: Seen) -> None:
    """In test mode no time passes: both subjects get the message at once."""
    broker = NatsBroker("nats://nowhere:1")
    for name in ("plan", "due"):
        broker.subscriber(name, stream="S")(lambda body: seen(body))
    async with TestNatsBroker(broker):
        due = datetime.now(timezone.utc) + timedelta(days=1)
        await broker.publish("x", "plan", stream="S", schedule=Schedule(due, "due"))
    assert seen.items == ["x", "x"]


@pytest.mark.parametrize(
    ("time", "target", "said"),
    [("now", "a", "is no datetime"), (datetime.now(timezone.utc), "a.*", "has a wildcard")],
)
def test_schedules_that_make_no_sense(time: Any, target: str, said: str) -> None:
    """A wrong time or target is refused where it is written."""
    with pytest.raises((SetupError, PublishError), match=said):
        Schedule(time, target)
