"""Names that nobody else uses, brokers on the shared server, and servers of a test's own."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis.asyncio
import redis.exceptions

from anystream.redis import RedisBroker
from tests.waiting import Seen


@pytest.fixture
async def seen() -> Seen:
    """Collects what handlers saw."""
    return Seen()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    """The bare client, on the shared server."""
    async with redis.asyncio.from_url(redis_url) as made:
        yield made


@pytest.fixture
async def name(redis_url: str) -> AsyncIterator[str]:
    """A name that no other test uses; what is there is deleted afterwards."""
    made = f"anystream-test-{uuid4().hex[:12]}"
    yield made
    with suppress(redis.exceptions.ConnectionError):
        async with redis.asyncio.from_url(redis_url) as client:
            await client.delete(made)


def free_port() -> int:
    # a node of a cluster listens at this port and at the one 10,000 above
    while True:
        with socket.socket() as sock, socket.socket() as bus:
            sock.bind(("127.0.0.1", 0))
            port = int(sock.getsockname()[1])
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            return port


class RedisServer:
    """A `redis-server` process of a test's own."""

    def __init__(self, folder: Path, *arguments: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.folder = folder
        self.arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Starts it and waits until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["redis-server", *self.arguments, "--port", str(self.port)]
        command += ["--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(1200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                await writer.wait_closed()
                return
            except OSError:
                await asyncio.sleep(0.05)
        raise TimeoutError("redis-server did not start")

    def kill(self) -> None:
        """Ends it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def redis_servers(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Makes servers; they are killed afterwards."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed here")
    made: list[RedisServer] = []

    def make(*arguments: str, port: int | None = None) -> RedisServer:
        server = RedisServer(tmp_path / str(len(made)), *arguments, port=port)
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()


def broker_at(url: str, **options: Any) -> RedisBroker:
    """A silent broker."""
    return RedisBroker(url, **{"logger": None, **options})
