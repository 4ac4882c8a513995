"""Redis is not there, goes away, comes back; servers of the tests' own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from anystream.core.exceptions import BrokerConnectionError, IncorrectState
from anystream.core.publish_policy import RetryPolicy
from anystream.core.security import SASLPlaintext
from anystream.redis import StreamSub
from anystream.redis.exceptions import RequestTimeout, ServerAway
from tests.redis.conftest import RedisServer, broker_at, free_port
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.redis

Servers = Callable[..., RedisServer]
PROGRAM = Path(__file__).with_name("consumer_process.py")


async def test_nobody_there() -> None:
    """The start fails soon, names the server and hides the password; stop is safe afterwards."""
    port = free_port()
    broker = broker_at(f"redis://joe:secret@127.0.0.1:{port}")
    began = time.monotonic()
    with pytest.raises(
        BrokerConnectionError, match=f"cannot connect to Redis at .*:{port}"
    ) as error:
        await broker.start()
    assert time.monotonic() - began < 4.0
    assert "secret" not in str(error.value)
    assert await broker.ping(1.0) is False
    await broker.stop()
    with pytest.raises(IncorrectState, match="not connected"):
        await broker.publish("x", "y")


async def test_somebody_else_there() -> None:
    """What listens and says nothing is given up."""
    connections = []

    async def silent(reader: Any, writer: Any) -> None:
        connections.append(writer)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    broker = broker_at(f"redis://127.0.0.1:{port}", socket_connect_timeout=0.5)
    with pytest.raises(BrokerConnectionError):
        await asyncio.wait_for(broker.connect(), 3.0)
    for writer in connections:
        writer.close()
    server.close()


async def test_credentials(redis_servers: Servers) -> None:
    """Wrong ones fail at once, right ones work."""
    server = redis_servers("--requirepass", "right")
    await server.start()
    for security in (None, SASLPlaintext("default", "wrong")):
        with pytest.raises(BrokerConnectionError, match="credentials"):
            await broker_at(server.url, security=security).start()
    async with running(broker_at(server.url, security=SASLPlaintext("default", "right"))) as right:
        assert await right.ping(2.0)
        assert await right.connection.ping()


async def test_everything_works_again(redis_servers: Servers, seen: Seen) -> None:
    """After a restart every kind of subscriber, the inbox and publishing are back."""
    server = redis_servers("--appendonly", "yes", "--appendfsync", "always")
    await server.start()
    broker = broker_at(server.url, publish_retry=RetryPolicy(attempts=20, longest_pause=0.5))
    kinds = {
        "channel": {"channel": "x.{number}"},
        "list": {"list": "l"},
        "stream": {"stream": "s"},
        "group": {"stream": StreamSub("g", group="g", consumer="c")},
    }
    for kind, source in kinds.items():

        def make(kind: str) -> Any:
            async def handle(body: int) -> str:
                seen((kind, body))
                return kind

            return handle

        broker.subscriber(**source)(make(kind))

    async def publish(number: int) -> None:
        await broker.publish(number, "x.1")
        await broker.publish(number, list="l")
        await broker.publish(number, stream="s")
        await broker.publish(number, stream="g")

    async with running(broker):
        await publish(1)
        await seen.count(4)
        answer = await broker.request(0, "x.1", timeout=5.0)
        assert await answer.decode() == "channel"
        server.kill()
        await until(lambda: not any(sub.alive for sub in broker.subscribers))
        assert await broker.ping(1.0) is False
        with pytest.raises(RequestTimeout):
            await broker.request(0, "x.1", timeout=0.3)
        late = asyncio.ensure_future(broker.publish(2, stream="g"))  # tried again until it is back
        await asyncio.sleep(0.3)
        await server.start()
        await until(lambda: all(sub.alive for sub in broker.subscribers))
        await late
        await until(lambda: ("group", 2) in seen.items)
        await publish(3)
        await until(lambda: {(kind, 3) for kind in kinds} <= set(seen.items))
        await until(lambda: broker.ping(1.0))
        answer = await broker.request(0, "x.1", timeout=5.0)
        assert await answer.decode() == "channel"


async def test_publishing_while_it_is_away(redis_servers: Servers) -> None:
    """An error of ours at once, which says that nobody knows; and it works afterwards."""
    server = redis_servers()
    await server.start()
    async with running(broker_at(server.url)) as broker:
        await asyncio.gather(*(broker.publish(1, "x") for _ in range(5)))
        server.kill()
        for _ in range(3):
            with pytest.raises(ServerAway, match="may have been taken or not"):
                await broker.publish(1, "x")
        await server.start()
        assert await broker.publish(1, "x") == 0


async def test_stop_while_it_is_away(redis_servers: Servers) -> None:
    """Bounded, and nothing is left running."""
    server = redis_servers()
    await server.start()
    broker = broker_at(server.url)
    broker.subscriber("x")(lambda body: None)
    broker.subscriber(list="x")(lambda body: None)
    broker.subscriber(stream=StreamSub("s", group="g", consumer="c"))(lambda body: None)
    before = asyncio.all_tasks()
    await broker.start()
    server.kill()
    await until(lambda: not any(sub.alive for sub in broker.subscribers))
    began = time.monotonic()
    await broker.stop()
    assert time.monotonic() - began < 3.0
    assert asyncio.all_tasks() == before


async def test_silent_server(redis_servers: Servers, seen: Seen) -> None:
    """A server that does not answer is found out by ping at once, and by every subscriber."""
    server = redis_servers()
    await server.start()
    broker = broker_at(server.url, socket_timeout=1.0)

    @broker.subscriber("x")
    async def channel(body: int) -> None:
        seen(body)

    @broker.subscriber(list="l")
    async def of_list(body: int) -> None:
        seen(body)

    @broker.subscriber(stream=StreamSub("s", group="g", consumer="c"))
    async def of_stream(body: int) -> None:
        seen(body)

    async with running(broker):
        assert await broker.ping(1.0)
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            broker.redis._good_until = 0.0  # what it said a moment ago counts for a second
            began = time.monotonic()
            assert await broker.ping(0.3) is False
            assert time.monotonic() - began < 0.6
            await until(lambda: not any(sub.alive for sub in broker.subscribers), 8.0)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        await until(lambda: all(sub.alive for sub in broker.subscribers))
        await broker.publish(1, "x")
        await broker.publish(2, list="l")
        await broker.publish(3, stream="s")
        assert sorted(await seen.count(3)) == [1, 2, 3]


async def test_a_busy_handler_is_no_dead_connection(redis_servers: Servers, seen: Seen) -> None:
    """A handler that blocks the loop longer than `socket_timeout` breaks no line."""
    server = redis_servers()
    await server.start()
    lines: list[str] = []

    class Logger:
        def log(self, level: int, msg: Any, *_: Any, **__: Any) -> None:
            if level > 20:
                lines.append(str(msg))

    broker = broker_at(server.url, socket_timeout=1.0, logger=Logger())

    @broker.subscriber("x")
    async def handle(body: int) -> None:
        time.sleep(2.5)
        seen(body)

    @broker.subscriber(list="l")
    async def other(body: int) -> None:
        seen(body)

    async with running(broker):
        await broker.publish(1, "x")
        await broker.publish(2, list="l")
        assert sorted(await seen.count(2)) == [1, 2]
        assert all(sub.alive for sub in broker.subscribers)
    assert lines == []


async def test_acknowledgements_survive_a_broken_line(redis_servers: Servers, seen: Seen) -> None:
    """What the server has not confirmed is acknowledged again on the next connection."""
    server = redis_servers()
    await server.start()
    broker = broker_at(server.url)
    go_on = asyncio.Event()

    @broker.subscriber(stream=StreamSub("s", group="g", consumer="c"), max_workers=5)
    async def handle(body: int) -> None:
        await go_on.wait()
        seen(body)

    async with redis.asyncio.from_url(server.url) as client, running(broker):
        for number in range(5):
            await broker.publish(number, stream="s")
        await until(lambda: _pending(client, 5))
        await client.client_kill_filter(_type="normal", skipme=True)
        go_on.set()
        await seen.count(5)
        await until(lambda: _pending(client, 0))
        await broker.publish(5, stream="s")
        assert sorted(await seen.count(6)) == [0, 1, 2, 3, 4, 5]


async def _pending(client: Any, wanted: int) -> bool:
    return int((await client.xpending("s", "g"))["pending"]) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
async def test_none_is_lost(
    redis_url: str, client: Any, name: str, tmp_path: Path, end: signal.Signals
) -> None:
    """Killed three times, every message of a stream is handled at least once; stopped, once."""
    count, rounds, log = 3_000, 3, tmp_path / "handled"
    async with client.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.xadd(name, {"__data__": str(number)})
        await pipe.execute()

    def handled() -> list[int]:
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    async def consume(wanted: int, last_words: signal.Signals) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), redis_url, name, str(log)
        )
        await until(lambda: len(set(handled())) >= wanted, 30.0)
        process.send_signal(last_words)
        code = await asyncio.wait_for(process.wait(), 10.0)
        assert code == (-signal.SIGKILL if last_words is signal.SIGKILL else 0)

    for number in range(1, rounds):
        await consume(number * count // rounds, end)
    await consume(count, signal.SIGTERM)
    times = Counter(handled())
    assert set(times) == set(range(count))
    if end is signal.SIGTERM:
        assert max(times.values()) == 1
    assert (await client.xpending(name, "g"))["pending"] == 0
