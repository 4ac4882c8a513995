"""Watching key-value and object buckets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import nats
import pytest
from nats.js.object_store import ObjectStore

from anystream.core import Path
from anystream.core.exceptions import IncorrectState, SetupError
from anystream.nats import (
    KvWatch,
    NatsBroker,
    NatsRouter,
    ObjWatch,
    Placement,
    TestNatsBroker,
)
from anystream.nats.annotations import NatsKvMessage, NatsObjMessage, ObjectStorage
from tests.faults.proxy import Proxy
from tests.nats.conftest import NatsServer
from tests.waiting import Seen, running, until

on_server = pytest.mark.nats


@pytest.fixture
def broker(nats_url: str) -> NatsBroker:
    return NatsBroker(nats_url, logger=None)


@pytest.fixture
async def bucket(nats_url: str, stream: str) -> AsyncIterator[str]:
    """The name of a bucket of either kind that is gone afterwards."""
    yield stream
    client = await nats.connect(nats_url)
    for name in (f"KV_{stream}", f"OBJ_{stream}"):
        try:
            await client.jetstream().delete_stream(name)
        except nats.js.errors.NotFoundError:
            continue
    await client.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's signs of life come often, so that their absence shows soon."""
    monkeypatch.setattr("anystream.nats.ordered.HEARTBEAT", 0.2)


@on_server
async def test_values_that_are_there_and_changes(
    broker: NatsBroker, bucket: str, seen: Seen
) -> None:
    """First the present value of each key, then every change, with what the bucket knows of it."""

    @broker.subscriber("price.{item}", kv_watch=bucket)
    async def handle(body: Any, message: NatsKvMessage, item: str = Path()) -> None:
        entry = message.raw_message
        assert entry.bucket == bucket
        seen((item, body, entry.revision, entry.operation))

    async with broker:
        prices = await broker.key_value(bucket, history=5)
        for value in (b"1", b"2"):
            await prices.put("price.tea", value)
        await prices.put("other", b"x")
        await broker.start()
        assert await seen.count(1) == [("tea", 2, 2, None)]
        await prices.put("price.tea", b'{"euro": 3}')
        await prices.put("price.milk", b"white")
        await prices.delete("price.tea")
        assert await seen.count(4) == [
            ("tea", 2, 2, None),
            ("tea", {"euro": 3}, 4, None),
            ("milk", b"white", 5, None),
            ("tea", b"", 6, "DEL"),
        ]
        assert [subscriber.alive for subscriber in broker.subscribers] == [True]


@on_server
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [("a", b"3"), ("b", b"")]),
        (
            {"include_history": True},
            [("a", b"1"), ("a", b"2"), ("b", b"9"), ("a", b"3"), ("b", b"")],
        ),
        ({"ignore_deletes": True}, [("a", b"3")]),
        ({"headers_only": True}, [("a", b""), ("b", b"")]),
        ({"meta_only": True}, [("a", b""), ("b", b"")]),
        ({"inactive_threshold": 60.0}, [("a", b"3"), ("b", b"")]),
    ],
)
async def test_options_of_a_watch(
    broker: NatsBroker, bucket: str, seen: Seen, options: dict[str, Any], expected: Any
) -> None:
    """What a watcher begins with, and what it leaves out."""

    @broker.subscriber(">", kv_watch=KvWatch(bucket, **options))
    async def handle(message: NatsKvMessage) -> None:
        seen((message.raw_message.key, message.body))

    async with broker:
        values = await broker.key_value(bucket, history=5)
        for key, value in (("a", b"1"), ("a", b"2"), ("b", b"9"), ("a", b"3")):
            await values.put(key, value)
        await values.delete("b")
        await broker.start()
        await seen.count(len(expected))
        await values.put("end", b"")
        assert await seen.count(len(expected) + 1) == [*expected, ("end", b"")]


@on_server
async def test_a_bucket_is_made(broker: NatsBroker, bucket: str, seen: Seen) -> None:
    """A bucket that is not there is made, or fails the start when `declare` says so."""
    broker.subscriber("a", kv_watch=bucket)(lambda body: seen(body))
    async with running(broker):
        await (await broker.key_value(bucket, declare=False)).put("a", b"1")
        assert await seen.count(1) == [1]


@on_server
@pytest.mark.parametrize("kind", ["kv_watch", "obj_watch"])
async def test_a_bucket_that_is_not_there(broker: NatsBroker, bucket: str, kind: str) -> None:
    """With `declare=False` the start fails, and names subscriber and bucket."""
    watch: Any = KvWatch(bucket, declare=False) if kind == "kv_watch" else ObjWatch(declare=False)
    subscriber = broker.subscriber(bucket, **{kind: watch})

    @subscriber
    async def handle() -> None: ...

    with pytest.raises(SetupError, match=f"{bucket}.*handle.*there is no such bucket"):
        await broker.start()
    assert not broker.running


@on_server
async def test_objects(broker: NatsBroker, bucket: str, seen: Seen) -> None:
    """The body is the name; the bucket is there to read the object."""

    @broker.subscriber(bucket, obj_watch=True)
    async def handle(name: str, files: ObjectStorage, message: NatsObjMessage) -> None:
        info = message.raw_message
        data = None if info.deleted else (await files.get(name)).data
        seen((name, data, info.deleted or False))

    async with broker:
        files = await broker.object_storage(bucket)
        await files.put("123", b"first")
        await broker.start()
        assert await seen.count(1) == [("123", b"first", False)]
        await files.put("b.txt", b"second")
        await seen.count(2)
        await files.delete("123")
        assert (await seen.count(3))[1:] == [("b.txt", b"second", False), ("123", None, True)]


@on_server
async def test_objects_without_deletions(broker: NatsBroker, bucket: str, seen: Seen) -> None:
    """`ignore_deletes` leaves deletions out; what is no object's description is left out, too."""

    @broker.subscriber(bucket, obj_watch=ObjWatch(ignore_deletes=True, include_history=True))
    async def handle(name: str) -> None:
        seen(name)

    async with running(broker):
        files = await broker.object_storage(bucket)
        await files.put("a", b"1")
        await seen.count(1)
        await files.delete("a")
        await broker.publish(b"no object", f"$O.{bucket}.M.x", stream=f"OBJ_{bucket}")
        await files.put("b", b"1")
        assert await seen.count(2) == ["a", "b"]


@on_server
async def test_values_that_anystream_published(broker: NatsBroker, bucket: str, seen: Seen) -> None:
    """What is published to a key keeps its headers: content type and correlation id."""

    @broker.subscriber("a", kv_watch=bucket)
    async def handle(body: Any, message: NatsKvMessage) -> None:
        seen((body, message.correlation_id, message.headers["x"]))

    async with running(broker):
        await broker.publish(
            "1", f"$KV.{bucket}.a", stream=f"KV_{bucket}", correlation_id="c", headers={"x": "y"}
        )
        assert await seen.count(1) == [("1", "c", "y")]


@on_server
async def test_handler_errors_and_results(broker: NatsBroker, bucket: str, seen: Seen) -> None:
    """An exception ends nothing and repeats nothing; results go to publishers."""

    @broker.subscriber(f"{bucket}.out")
    async def out(body: str) -> None:
        seen(body)

    @broker.publisher(f"{bucket}.out")
    @broker.subscriber(">", kv_watch=bucket)
    async def handle(body: str) -> str:
        if body == "bad":
            raise ValueError(body)
        return body.upper()

    async with running(broker):
        values = await broker.key_value(bucket)
        for body in (b"bad", b"good", b"better"):
            await values.put("a", body)
        assert await seen.count(2) == ["GOOD", "BETTER"]


@on_server
async def test_watch_through_a_router(nats_url: str, bucket: str, seen: Seen) -> None:
    """A router's prefix stands before keys, too."""
    router = NatsRouter(prefix="shop.")

    @router.subscriber("{item}", kv_watch=bucket)
    async def handle(item: str = Path()) -> None:
        seen(item)

    async with running(NatsBroker(nats_url, routers=[router], logger=None)) as broker:
        values = await broker.key_value(bucket)
        await values.put("tea", b"")
        await values.put("shop.tea", b"")
        assert await seen.count(1) == ["tea"]


@on_server
async def test_taken_one_by_one(broker: NatsBroker, bucket: str, seen: Seen) -> None:
    """`get_one` and iteration begin with what is there."""
    keys = broker.subscriber("*", kv_watch=bucket)
    files = broker.subscriber(bucket, obj_watch=True)
    async with running(broker):
        values = await broker.key_value(bucket)
        for number in range(4):
            await values.put(f"k{number}", b"%d" % number)
        first = await keys.get_one()
        assert first is not None
        assert await first.decode() == 0
        async for message in keys:
            seen(await message.decode())
            if len(seen.items) == 3:
                break
        assert seen.items == [1, 2, 3]
        assert await keys.get_one(timeout=0.1) is None
        await (await broker.object_storage(bucket)).put("o", b"data")
        found = await files.get_one()
        assert found is not None
        assert await found.decode() == "o"


@on_server
async def test_pause_and_resume(broker: NatsBroker, bucket: str, seen: Seen) -> None:
    """After a pause a watcher goes on behind the last change: nothing is lost or repeated."""
    subscriber = broker.subscriber(">", kv_watch=bucket)

    @subscriber
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        values = await broker.key_value(bucket, declare=False)
        await values.put("a", b"1")
        await values.put("b", b"2")
        await seen.count(2)
        await subscriber.pause()
        assert not subscriber.alive
        await values.put("a", b"3")
        await subscriber.resume()
        assert subscriber.alive
        await values.put("b", b"4")
        assert await seen.count(4) == [1, 2, 3, 4]


@on_server
async def test_no_consumer_is_left(broker: NatsBroker, bucket: str, seen: Seen) -> None:
    """After `stop()` the server keeps no watcher, and a second start begins anew."""
    broker.subscriber(">", kv_watch=bucket)(lambda body: seen(body))
    for run in (1, 2):
        async with running(broker):
            if run == 1:
                await (await broker.key_value(bucket)).put("a", b"1")
            await seen.count(run)
    assert seen.items == [1, 1]
    async with broker:
        assert (await broker.jetstream.stream_info(f"KV_{bucket}")).state.consumer_count == 0


@on_server
async def test_more_than_the_client_may_keep(
    broker: NatsBroker, bucket: str, seen: Seen, quick: None
) -> None:
    """Changes that the client drops because too many wait are sent again, in order."""
    go = asyncio.Event()

    @broker.subscriber(">", kv_watch=bucket, pending_msgs_limit=5)
    async def handle(body: int) -> None:
        await go.wait()
        seen(body)

    async with running(broker):
        values = await broker.key_value(bucket, declare=False)
        for number in range(40):
            await values.put(f"k{number}", b"%d" % number)
        go.set()
        await seen.count(40, timeout=15)
        await values.put("end", b"40")
        assert await seen.count(41) == list(range(41))


@on_server
async def test_buckets_with_options(broker: NatsBroker, nats_url: str, bucket: str) -> None:
    """Options are checked; a bucket that differs says so; declare=False opens what is there."""
    other = NatsBroker(nats_url, logger=None)
    async with broker, other:
        with pytest.raises(SetupError, match="did you mean 'history'"):
            await broker.key_value(bucket, histori=2)  # type: ignore[call-arg]
        with pytest.raises(SetupError, match="64 at most"):
            await broker.key_value(bucket, history=65)
        with pytest.raises(SetupError, match="name of a bucket"):
            await broker.key_value("a.b")
        with pytest.raises(IncorrectState, match="no such bucket"):
            await broker.key_value(bucket, declare=False)
        mine = await broker.key_value(
            bucket,
            history=3,
            ttl=60.0,
            description="d",
            max_value_size=100,
            max_bytes=10_000,
            placement=Placement(cluster="C1"),
        )
        config = (await broker.jetstream.stream_info(f"KV_{bucket}")).config
        assert config.placement == Placement(cluster="C1")
        with pytest.raises(SetupError, match="another configuration"):
            await other.key_value(bucket, history=4)
        theirs = await other.key_value(bucket)
        await mine.put("a", b"1")
        assert (await theirs.get("a")).value == b"1"
        status = await theirs.status()
        assert (status.history, status.ttl) == (3, 60.0)
        with pytest.raises(SetupError, match="did you mean 'description'"):
            await broker.object_storage(bucket, descripton="x")  # type: ignore[call-arg]
        await broker.object_storage(bucket, description="d", ttl=60.0)
        assert (await (await other.object_storage(bucket)).status()).description == "d"


async def changes_through_outage(
    server: NatsServer, seen: Seen, harm: Callable[[NatsBroker], Any]
) -> list[Any]:
    """Puts ten values before, ten after some harm; returns what a watcher saw."""
    broker = NatsBroker(server.url, reconnect_time_wait=0.05, logger=None)
    files = broker.subscriber("files", obj_watch=True)
    keys = broker.subscriber(">", kv_watch=KvWatch("B"))

    @keys
    async def changed(body: int) -> None:
        seen(body)

    @files
    async def stored(name: str) -> None:
        seen(int(name))

    async with running(broker):
        values = await broker.key_value("B", declare=False)
        for number in range(10):
            await values.put(f"k{number % 3}", b"%d" % number)
        objects = await broker.object_storage("files")
        await objects.put("10", b"")
        await seen.count(11)
        await harm(broker)
        await until(lambda: broker.ping(2.0), 20.0)
        assert keys.alive
        assert files.alive
        values = await broker.key_value("B", declare=False)
        for number in range(11, 20):
            await values.put(f"k{number % 3}", b"%d" % number)
        await (await broker.object_storage("files")).put("20", b"")
        await seen.count(21, timeout=20.0)
        await values.put("end", b"21")
        await seen.count(22)
    return sorted(seen.items)


async def test_server_is_restarted(nats_servers: Callable[..., NatsServer], seen: Seen) -> None:
    """After a restart nothing is missed and nothing comes twice; meanwhile `alive` is False."""
    server = nats_servers()
    await server.start()

    async def restart(broker: NatsBroker) -> None:
        server.kill()
        await until(lambda: not any(sub.alive for sub in broker.subscribers))
        await server.start()

    assert await changes_through_outage(server, seen, restart) == list(range(22))


async def test_watchers_are_deleted(
    nats_servers: Callable[..., NatsServer], seen: Seen, quick: None
) -> None:
    """A watcher that is deleted at the server is missed by its silence, and made again."""
    server = nats_servers()
    await server.start()

    async def delete(broker: NatsBroker) -> None:
        js = broker.jetstream
        for stream in ("KV_B", "OBJ_files"):
            for consumer in await js.consumers_info(stream):
                await js.delete_consumer(stream, consumer.name)
        await until(lambda: watched(broker))

    assert await changes_through_outage(server, seen, delete) == list(range(22))


async def watched(broker: NatsBroker) -> bool:
    """Whether both buckets are there and have their watcher."""
    try:
        infos = [await broker.jetstream.stream_info(name) for name in ("KV_B", "OBJ_files")]
    except nats.js.errors.NotFoundError:
        return False
    return all(info.state.consumer_count == 1 for info in infos)


async def test_bucket_is_deleted(
    nats_servers: Callable[..., NatsServer], seen: Seen, quick: None
) -> None:
    """A deleted bucket is made again, and watched from its beginning."""
    server = nats_servers()
    await server.start()

    async def delete(broker: NatsBroker) -> None:
        await broker.jetstream.delete_key_value("B")
        await broker.jetstream.delete_object_store("files")
        await until(lambda: watched(broker))

    assert await changes_through_outage(server, seen, delete) == list(range(22))


async def test_beginning_that_is_interrupted(
    nats_servers: Callable[..., NatsServer], seen: Seen
) -> None:
    """An outage while the present values come: each comes once, old ones of a key do not."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, reconnect_time_wait=0.05, logger=None)
    reached, go = asyncio.Event(), asyncio.Event()

    @broker.subscriber(">", kv_watch="B")
    async def handle(body: int) -> None:
        seen(body)
        if len(seen.items) == 3:
            reached.set()
            await go.wait()

    async with broker:
        values = await broker.key_value("B", history=5)
        for number in range(60):
            await values.put(f"k{number % 30}", b"%d" % number)
        await broker.start()
        await reached.wait()
        server.kill()
        await until(lambda: not broker.connection.is_connected)
        await server.start()
        await until(lambda: broker.connection.is_connected)
        go.set()
        await seen.count(30, timeout=20.0)
        await values.put("end", b"99")
        assert await seen.count(31) == [*range(30, 60), 99]


async def test_changes_in_test_mode(seen: Seen) -> None:
    """A publish to a key, or to where it is stored, is a change; deletions are told as such."""
    broker = NatsBroker("nats://nowhere:1")

    @broker.subscriber("price.{item}", kv_watch=KvWatch("prices", ignore_deletes=True))
    async def price(body: Any, message: NatsKvMessage, item: str = Path()) -> None:
        seen((item, body, message.raw_message.key, message.raw_message.revision))

    async with TestNatsBroker(broker):
        await broker.publish({"euro": 1}, "price.tea")
        await broker.publish(b"2", "$KV.prices.price.milk", stream="KV_prices")
        await broker.publish(b"", "price.tea", headers={"KV-Operation": "DEL"})
        await broker.publish(b"3", "price.tea", stream="OTHER")
        assert seen.items == [("tea", {"euro": 1}, "price.tea", 1), ("milk", 2, "price.milk", 2)]
        price.mock.assert_called_with(2)


async def test_objects_in_test_mode(seen: Seen) -> None:
    """A name published to the bucket is an object; the bucket itself is a mock."""
    broker = NatsBroker("nats://nowhere:1")

    @broker.subscriber("files", obj_watch=True)
    async def stored(name: str, message: NatsObjMessage) -> None:
        seen((name, message.raw_message.name, message.raw_message.bucket))

    @broker.subscriber("more", obj_watch=True)
    async def opened(name: str, bucket: ObjectStorage) -> None:
        await bucket.get_info(name)
        seen(isinstance(bucket, ObjectStore))

    async with TestNatsBroker(broker):
        await broker.publish("123", "files")
        await broker.publish("a", "more")
    assert seen.items == [("123", "123", "files"), True]


def test_watchers_are_not_in_the_document() -> None:
    """Nobody can send to a watcher, so the AsyncAPI document does not have it."""
    broker = NatsBroker()
    broker.subscriber("a", kv_watch="B")(lambda body: None)
    broker.subscriber("files", obj_watch=True)(lambda body: None)
    assert [broker.channel_addresses(sub) for sub in broker.subscribers] == [[], []]


@on_server
@pytest.mark.parametrize("cut", ["reset", "hole"])
async def test_network_is_cut(nats_url: str, bucket: str, seen: Seen, cut: str) -> None:
    """While values are written the network is cut: each change comes once, in order."""
    proxy = Proxy()
    proxy.target = urlsplit(nats_url).port or 4222
    broker = NatsBroker(
        f"nats://127.0.0.1:{proxy.port}",
        reconnect_time_wait=0.05,
        ping_interval=1,
        max_outstanding_pings=1,
        logger=None,
    )

    @broker.subscriber(">", kv_watch=bucket)
    async def handle(body: int) -> None:
        seen(body)

    client = await nats.connect(nats_url)
    try:
        async with running(broker):
            values = await client.jetstream().key_value(bucket)
            for number in range(900):
                if number == 300:
                    getattr(proxy, cut)()
                if number == 600:
                    proxy.forward()
                await values.put(f"k{number}", b"%d" % number)
            assert await seen.count(900, timeout=20.0) == list(range(900))
    finally:
        await client.close()
        proxy.close()
