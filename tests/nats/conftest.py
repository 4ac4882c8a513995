"""Brokers on the shared server, streams that are gone afterwards, and servers of one's own."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import nats
import pytest

from anystream.nats import NatsBroker, TestNatsBroker
from tests.waiting import Seen, running

_numbers = itertools.count(1)

Running = Callable[[NatsBroker], Any]


@pytest.fixture
async def seen() -> Seen:
    """Collects what handlers saw."""
    return Seen()


@pytest.fixture
def subject() -> str:
    """A subject that no other test uses."""
    return f"test.{os.getpid()}.{next(_numbers)}"


@pytest.fixture
async def stream(nats_url: str) -> AsyncIterator[str]:
    """The name of a stream that is deleted afterwards, if the test makes it."""
    name = f"TEST-{os.getpid()}-{next(_numbers)}"
    yield name
    client = await nats.connect(nats_url)
    try:
        await client.jetstream().delete_stream(name)
    except nats.js.errors.NotFoundError:
        pass
    finally:
        await client.close()


@pytest.fixture(params=[pytest.param("server", marks=pytest.mark.nats), "in memory"])
def run(request: pytest.FixtureRequest) -> Running:
    """Runs a broker on the server, and in test mode."""
    return running if request.param == "server" else TestNatsBroker


class NatsServer:
    """A `nats-server` process of a test's own."""

    def __init__(self, folder: str, *arguments: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self.folder = folder
        self.arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Starts it and waits until it answers."""
        command = ["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd"]
        self.process = subprocess.Popen(
            [*command, self.folder, *self.arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                await writer.wait_closed()
                return
            except OSError:
                await asyncio.sleep(0.05)
        raise TimeoutError("nats-server did not start")

    def kill(self) -> None:
        """Ends it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def nats_servers() -> Iterator[Callable[..., NatsServer]]:
    """Makes servers; they are killed afterwards."""
    if shutil.which("nats-server") is None:
        pytest.skip("nats-server is not installed here")
    made: list[NatsServer] = []
    with tempfile.TemporaryDirectory() as folder:

        def make(*arguments: str) -> NatsServer:
            server = NatsServer(f"{folder}/{len(made)}", *arguments)
            made.append(server)
            return server

        yield make
        for server in made:
            server.kill()
