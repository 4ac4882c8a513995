"""NATS is not there, goes away, comes back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from anystream.core.exceptions import BrokerConnectionError, IncorrectState
from anystream.nats import JStream, NatsBroker, PullSub
from anystream.nats.errors import BufferFull
from anystream.nats.security import NatsToken, NatsUserPassword
from tests.nats.conftest import NatsServer
from tests.waiting import Seen, running, until

Servers = Callable[..., NatsServer]

QUICK: dict[str, Any] = {"reconnect_time_wait": 0.05, "logger": None}


async def test_nobody_there(nats_servers: Servers) -> None:
    """Start fails soon, names the servers and hides the password; stop is safe afterwards."""
    port = nats_servers().port
    broker = NatsBroker(
        [f"nats://joe:secret@127.0.0.1:{port}", f"nats://token@localhost:{port}"], logger=None
    )
    began = time.monotonic()
    with pytest.raises(BrokerConnectionError, match="cannot connect to NATS at") as error:
        await broker.start()
    assert time.monotonic() - began < 4.0
    assert f"nats://joe:***@127.0.0.1:{port}, nats://***@localhost:{port}" in str(error.value)
    assert "secret" not in str(error.value)
    assert "secret" not in repr(broker)
    assert await broker.ping(1.0) is False
    await broker.stop()
    with pytest.raises(IncorrectState, match="not connected"):
        await broker.publish("x", "y")


async def test_somebody_else_there() -> None:
    """What listens but does not speak NATS is given up after `connect_timeout`."""
    connections = []

    async def silent(reader: Any, writer: Any) -> None:
        connections.append(writer)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    broker = NatsBroker(f"nats://127.0.0.1:{port}", logger=None, connect_timeout=0.2)
    began = time.monotonic()
    with pytest.raises(BrokerConnectionError):
        await broker.connect()
    assert time.monotonic() - began < 3.0
    for writer in connections:
        writer.close()
    server.close()


async def test_first_server_is_down(nats_servers: Servers) -> None:
    """Of several servers one is enough."""
    down, up = nats_servers(), nats_servers()
    await up.start()
    broker = NatsBroker([down.url, up.url], dont_randomize=True, logger=None)
    async with running(broker):
        assert await broker.ping(2.0)


async def test_credentials(nats_servers: Servers) -> None:
    """Wrong credentials fail at once, right ones work."""
    server = nats_servers("--user", "joe", "--pass", "right")
    await server.start()
    began = time.monotonic()
    wrong = NatsBroker(server.url, security=NatsUserPassword("joe", "wrong"), logger=None)
    with pytest.raises(BrokerConnectionError, match=r"[Aa]uthorization"):
        await wrong.start()
    assert time.monotonic() - began < 1.5
    right = NatsBroker(server.url, security=NatsUserPassword("joe", "right"), logger=None)
    async with running(right):
        assert await right.ping(2.0)


async def test_token(nats_servers: Servers) -> None:
    """A token can be a function."""
    server = nats_servers("--auth", "t0k3n")
    await server.start()
    broker = NatsBroker(server.url, security=NatsToken(lambda: "t0k3n"), logger=None)
    async with running(broker):
        assert await broker.ping(2.0)


async def test_ping_tells_the_truth(nats_servers: Servers) -> None:
    """False as soon as the connection is lost, True when it is back."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, **QUICK)
    async with running(broker):
        assert await broker.ping(2.0)
        server.kill()
        await until(lambda: not broker.connection.is_connected)
        assert await broker.ping(2.0) is False
        await server.start()
        await until(lambda: broker.ping(2.0))
    assert await broker.ping(2.0) is False


async def test_ping_does_not_wait_when_it_knows(nats_servers: Servers) -> None:
    """Within a second the last good answer counts, without a step through the loop."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, logger=None)
    async with running(broker):
        assert await broker.ping(2.0)
        work = broker.ping(2.0)
        with pytest.raises(StopIteration) as done:
            work.send(None)
        assert done.value.value is True


async def test_silent_server(nats_servers: Servers) -> None:
    """A server that does not answer makes ping False in time; a late answer does no harm."""
    import os
    import signal

    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, logger=None)
    async with running(broker):
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, server.process.pid, os.WSTOPPED | os.WNOWAIT)  # noqa: ASYNC222
        try:
            broker.nats._good_until = 0.0
            began = time.monotonic()
            answers = await asyncio.gather(*(broker.ping(0.2) for _ in range(5)))
            assert not any(answers)
            assert time.monotonic() - began < 1.0
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        await until(lambda: broker.ping(2.0))


async def test_subscribers_go_on(nats_servers: Servers, seen: Seen) -> None:
    """After a restart of the server core, pushed and pulled messages arrive again."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, **QUICK)
    stream = JStream("S")
    kinds: dict[str, dict[str, Any]] = {
        "core": {},
        "push": {"stream": stream, "durable": "push"},
        "pull": {"stream": stream, "durable": "pull", "pull_sub": PullSub(10)},
        "batch": {"stream": stream, "durable": "b", "pull_sub": PullSub(1, batch=True)},
        "ephemeral": {"stream": stream},
    }
    for name, options in kinds.items():

        @broker.subscriber(name, **options)
        async def handle(body: Any) -> None:
            seen(body[0] if isinstance(body, list) else body)

    async with running(broker):
        for name in kinds:
            await broker.publish({"name": name}, name)
        await seen.count(len(kinds))
        server.kill()
        await until(lambda: not broker.connection.is_connected)
        await server.start()
        await until(lambda: broker.ping(2.0))
        for name in kinds:
            await broker.publish({"name": name}, name)
        await seen.count(2 * len(kinds), timeout=20.0)


async def test_consumers_are_made_anew(nats_servers: Servers, seen: Seen) -> None:
    """Consumers that the server has forgotten are made again, from where reading was."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, **QUICK)
    kinds: dict[str, dict[str, Any]] = {"push": {}, "pull": {"pull_sub": PullSub(4, timeout=1.0)}}
    for name, options in kinds.items():

        @broker.subscriber(name, stream="S", durable=name, **options)
        async def handle(body: int) -> None:
            seen(body)

    async with running(broker):
        for number in range(3):
            await broker.publish(number, "push", stream="S")
            await broker.publish(number, "pull", stream="S")
        await seen.count(6)
        for name in kinds:
            await broker.jetstream.delete_consumer("S", name)
        await broker.connection.force_reconnect()
        await until(lambda: broker.ping(2.0))
        for name in kinds:
            await broker.publish(9, name, stream="S", timeout=5.0)
        await seen.count(8, timeout=20.0)
    assert sorted(seen.items) == [0, 0, 1, 1, 2, 2, 9, 9]


async def test_deleted_push_consumer(
    nats_servers: Servers, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consumer that nobody says was deleted is missed at the next look, and made again."""
    monkeypatch.setattr("anystream.nats.push_feed.LOOK_EVERY", 0.2)
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, logger=None)

    @broker.subscriber("a", stream="S", durable="d")
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        await broker.publish(1, "a", stream="S")
        await seen.count(1)
        await broker.jetstream.delete_consumer("S", "d")
        await broker.publish(2, "a", stream="S", timeout=5.0)
        assert await seen.count(2) == [1, 2]


async def test_deleted_consumer_shows_in_ping(nats_servers: Servers, seen: Seen) -> None:
    """A consumer deleted while everything is connected is made again."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, logger=None)

    @broker.subscriber("a", stream="S", durable="d", pull_sub=PullSub(4, timeout=1.0))
    async def handle(body: int) -> None:
        seen(body)

    async with running(broker):
        await broker.publish(1, "a", stream="S")
        await seen.count(1)
        await broker.jetstream.delete_consumer("S", "d")
        await until(lambda: negated(broker.ping(2.0)))
        await broker.publish(2, "a", stream="S", timeout=5.0)
        assert await seen.count(2) == [1, 2]
        await until(lambda: broker.ping(2.0))


async def negated(work: Any) -> bool:
    return not await work


async def test_published_in_an_outage(nats_servers: Servers, seen: Seen) -> None:
    """Messages are kept and sent later; more than fits is refused."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, pending_size=2000, **QUICK)

    @broker.subscriber("a")
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        server.kill()
        await until(lambda: not broker.connection.is_connected)
        await broker.publish("kept", "a")
        with pytest.raises(BufferFull, match=r"2000 bytes .*pending_size"):
            await broker.publish("x" * 3000, "a")
        await server.start()
        assert await seen.count(1) == ["kept"]


async def test_stop_in_an_outage(nats_servers: Servers) -> None:
    """`stop()` does not wait for the server to come back."""
    server = nats_servers()
    await server.start()
    broker = NatsBroker(server.url, reconnect_time_wait=0.5, logger=None)
    for number, options in enumerate([{}, {"stream": "S"}, {"stream": "S", "pull_sub": True}]):

        @broker.subscriber(f"a{number}", **options)
        async def handle() -> None: ...

    await broker.start()
    server.kill()
    await until(lambda: not broker.connection.is_connected)
    began = time.monotonic()
    await broker.stop()
    assert time.monotonic() - began < 4.0


async def test_stop_while_it_connects(nats_servers: Servers) -> None:
    """`stop()` ends a connect that hangs."""

    async def silent(reader: Any, writer: Any) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    broker = NatsBroker(f"nats://127.0.0.1:{port}", logger=None, connect_timeout=60)
    starting = asyncio.ensure_future(broker.start())
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await broker.stop()
    with pytest.raises(IncorrectState, match="stopped while it connected"):
        await starting
    assert time.monotonic() - began < 4.0
    server.close()


async def test_outage_in_the_log(nats_servers: Servers, caplog: pytest.LogCaptureFixture) -> None:
    """One warning when the connection breaks, one line when it is back."""
    server = nats_servers()
    await server.start()
    logger = logging.getLogger("outage")
    broker = NatsBroker(server.url, reconnect_time_wait=0.05, logger=logger)
    with caplog.at_level(logging.INFO, logger="outage"):
        async with running(broker):
            server.kill()
            await until(lambda: not broker.connection.is_connected)
            await asyncio.sleep(0.3)
            await server.start()
            await until(lambda: "Connection established" in caplog.text)
    lines = [(record.levelname, record.message.split(" (")[0]) for record in caplog.records]
    assert [level for level, text in lines if "Connection" in text] == ["WARNING", "INFO"]
    assert lines[0][1].startswith("Connection broken with ")


async def test_missing_permission(nats_servers: Servers, tmp_path: Any) -> None:
    """A subject that the user may not read fails the start and is named."""
    config = tmp_path / "server.conf"
    config.write_text(
        "authorization { users = [{user: joe, password: p, permissions: "
        '{subscribe: {deny: ["secret.>"]}}}] }'
    )
    server = nats_servers("-c", str(config))
    await server.start()
    broker = NatsBroker(server.url, security=NatsUserPassword("joe", "p"), logger=None)

    @broker.subscriber("secret.a")
    async def handle() -> None: ...

    with pytest.raises(BrokerConnectionError, match=r"does not let this user subscribe.*secret\.a"):
        await broker.start()


async def test_what_was_never_sent_is_reported(nats_servers: Servers) -> None:
    """Messages published in an outage that does not end before the stop: said, with their size."""

    class Lines:
        def __init__(self) -> None:
            self.texts: list[str] = []

        def log(self, level: int, msg: Any, *, exc_info: Any = None, extra: Any = None) -> None:
            self.texts.append(f"{level} {msg}")

    server, lines = nats_servers(), Lines()
    await server.start()
    broker = NatsBroker(server.url, reconnect_time_wait=0.05, logger=lines)
    await broker.start()
    server.kill()
    await until(lambda: not broker.connection.is_connected)
    await broker.publish("x" * 100, "lost")
    await broker.stop()
    assert any(
        text.startswith(f"{logging.ERROR} ") and "bytes that were published" in text
        for text in lines.texts
    )
