"""A real cluster and real sentinels, of the tests' own processes."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis.asyncio

from anystream.redis import ListSub, RedisClusterBroker, RedisSentinelBroker, StreamSub
from tests.redis.conftest import RedisServer, free_port
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.redis

Servers = Callable[..., RedisServer]
NODES = 3


@pytest.fixture
async def cluster(redis_servers: Servers) -> list[RedisServer]:
    """Three masters that share the slots."""
    nodes = []
    for _ in range(NODES):
        port = free_port()
        while port > 55_000:  # its bus is 10,000 higher
            port = free_port()
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]
        nodes.append(redis_servers(*options, port=port))
    for node in nodes:
        await node.start()
    addresses = [f"127.0.0.1:{node.port}" for node in nodes]
    made = await asyncio.create_subprocess_exec(
        "redis-cli", "--cluster", "create", *addresses, "--cluster-yes", stdout=subprocess.DEVNULL
    )
    assert await asyncio.wait_for(made.wait(), 30.0) == 0

    async def joined() -> bool:
        for node in nodes:
            async with redis.asyncio.from_url(node.url) as client:
                info = await client.execute_command("CLUSTER INFO")
                state = info if isinstance(info, dict) else {}
                if str(state.get("cluster_state")) != "ok":
                    return False
        return True

    await until(joined, 20.0)
    return nodes


async def test_cluster(cluster: list[RedisServer], seen: Seen) -> None:
    """Every kind on every node: channels reach all, lists and streams are read where they are."""
    broker = RedisClusterBroker(
        cluster[0].url, startup_nodes=[("127.0.0.1", cluster[1].port)], logger=None
    )
    for number in range(4):  # names in different slots

        def make(number: int) -> Any:
            async def handle(body: Any) -> str:
                seen((number, body))
                return f"{number} {body}"

            return handle

        broker.subscriber(f"channel{number}.*")(make(number))
        broker.subscriber(list=f"list{number}")(make(number))
        broker.subscriber(list=ListSub(f"batch{number}", batch=True))(make(number))
        group = StreamSub(f"stream{number}", group="g", consumer="c")
        broker.subscriber(stream=group)(make(number))
    async with running(broker):
        for number in range(4):
            await broker.publish("c", f"channel{number}.x")
            await broker.publish("l", list=f"list{number}")
            await broker.publish_batch(1, 2, list=f"batch{number}")
            await broker.publish("s", stream=f"stream{number}")
        found = await seen.count(16)
        for number in range(4):
            of_it = [body for which, body in found if which == number]
            assert sorted(of_it, key=str) == [[1, 2], "c", "l", "s"]
        answers = [await broker.request("r", f"channel{n}.x", timeout=5.0) for n in range(4)]
        assert [await answer.decode() for answer in answers] == [f"{n} r" for n in range(4)]
        answer = await broker.request("r", list="list1", timeout=5.0)
        assert await answer.decode() == "1 r"
        assert await broker.ping(2.0)
        for number in range(4):
            pending = await broker.connection.xpending(f"stream{number}", "g")
            assert pending["pending"] == 0
        with pytest.warns(RuntimeWarning, match="pipeline= is ignored"):
            await broker.publish("x", "nobody", pipeline=object())
        assert all(subscriber.alive for subscriber in broker.subscribers)


async def test_slots_move(cluster: list[RedisServer], seen: Seen) -> None:
    """A list and a stream whose slot moves to another node are read there."""
    broker = RedisClusterBroker(cluster[0].url, logger=None)

    @broker.subscriber(list="{x}list")
    async def of_list(body: int) -> None:
        seen(("list", body))

    @broker.subscriber(stream=StreamSub("{x}stream", group="g", consumer="c"))
    async def of_stream(body: int) -> None:
        seen(("stream", body))

    async with running(broker):
        await broker.publish(1, list="{x}list")
        await broker.publish(1, stream="{x}stream")
        await seen.count(2)
        await move_slot(broker.connection, "{x}stream")
        await broker.publish(2, list="{x}list")
        await broker.publish(2, stream="{x}stream")
        assert {("list", 2), ("stream", 2)} <= set(await seen.count(4, 15.0))
        await until(lambda: all(subscriber.alive for subscriber in broker.subscribers))


async def move_slot(client: Any, key: str) -> None:
    """Moves the slot of a key, with the key, to another node."""
    slot = client.keyslot(key)
    source = client.get_node_from_key(key)
    target = next(node for node in client.get_primaries() if node.name != source.name)
    async with (
        redis.asyncio.Redis(host=source.host, port=source.port) as old,
        redis.asyncio.Redis(host=target.host, port=target.port) as new,
    ):
        ids = {
            name: (await each.execute_command("CLUSTER MYID"))
            for name, each in (("old", old), ("new", new))
        }
        await new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids["old"])
        await old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids["new"])
        for name in await old.execute_command("CLUSTER GETKEYSINSLOT", slot, 100):
            await old.execute_command("MIGRATE", target.host, target.port, name, 0, 1000)
        for each in (new, old):
            await each.execute_command("CLUSTER SETSLOT", slot, "NODE", ids["new"])


@pytest.fixture
async def sentinels(redis_servers: Servers, tmp_path: Any) -> AsyncIterator[Any]:
    """A master, a replica, and a sentinel that watches them."""
    master, replica = redis_servers(), redis_servers()
    await master.start()
    replica.arguments = ("--replicaof", "127.0.0.1", str(master.port))
    await replica.start()
    port = free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n"
        f"sentinel monitor main 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds main 500\n"
        "sentinel failover-timeout main 5000\n"
    )
    process = await asyncio.create_subprocess_exec(
        "redis-server", str(config), "--sentinel", stdout=subprocess.DEVNULL
    )

    async def knows_the_replica() -> bool:
        try:
            async with redis.asyncio.Redis(port=port) as client:
                found = await client.execute_command("SENTINEL REPLICAS", "main")
                return len(found) == 1
        except redis.exceptions.RedisError:
            return False

    await until(knows_the_replica, 20.0)
    yield ("127.0.0.1", port), master
    process.kill()
    await process.wait()


async def test_failover(sentinels: Any, seen: Seen) -> None:
    """The master is killed: subscribers and publishers follow to the new one."""
    address, master = sentinels
    broker = RedisSentinelBroker(
        sentinels=[address], sentinel_master_name="main", logger=None, socket_timeout=2.0
    )

    @broker.subscriber("x")
    async def channel(body: int) -> str:
        seen(("channel", body))
        return "answer"

    @broker.subscriber(list="l")
    async def of_list(body: int) -> None:
        seen(("list", body))

    @broker.subscriber(stream=StreamSub("s", group="g", consumer="c", group_start="0"))
    async def of_stream(body: int) -> None:
        seen(("stream", body))

    async def publish(number: int) -> bool:
        try:
            await broker.publish(number, "x")
            await broker.publish(number, list="l")
            await broker.publish(number, stream="s")
        except ConnectionError:
            return False
        return True

    async with running(broker):
        assert await publish(1)
        await seen.count(3)
        answer = await broker.request(0, "x", timeout=5.0)
        assert await answer.decode() == "answer"
        master.kill()
        await until(lambda: publish(2), 20.0)
        await until(lambda: all(subscriber.alive for subscriber in broker.subscribers), 20.0)
        await until(lambda: publish(3))
        await until(lambda: {(k, 3) for k in ("channel", "list", "stream")} <= set(seen.items))
        await until(lambda: broker.ping(1.0))


async def test_no_such_master(sentinels: Any) -> None:
    """A name that the sentinels do not know fails at the start."""
    address, _ = sentinels
    broker = RedisSentinelBroker(sentinels=[address], sentinel_master_name="other", logger=None)
    with pytest.raises(ConnectionError, match="'other' of the sentinels"):
        await broker.start()
    await broker.stop()
