"""A server that looks whether the lifespan is over when a start has failed finds that it is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anystream.conformance.host import load_host
from anystream.conformance.journal import Journal
from anystream.conformance.user_code import UserCode
from tests.recording_broker import BrokerDown, RecordingBroker

pytestmark = pytest.mark.memory

HOSTS = ["asgi", "starlette", "fastapi", "litestar", "quart", "falcon", "blacksheep"]


class StartFailed(Exception):
    """What hypercorn raises in `send`."""


class BusyQueue:
    """The queue of a handler that logs from a thread; at every other look it is not done yet."""

    looks = 0

    @property
    def unfinished_tasks(self) -> int:
        self.looks += 1
        return self.looks % 2


@pytest.fixture(autouse=True)
def log_from_a_thread() -> Iterator[None]:
    """What is logged is written a little later, as Litestar's default configuration has it."""
    handler: Any = logging.NullHandler()
    handler.queue = BusyQueue()
    logger = logging.getLogger("anystream.hosting")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.mark.filterwarnings("ignore:.*deprecated inferred style")  # of the oldest Litestar
@pytest.mark.parametrize("name", HOSTS)
async def test_nothing_is_waited_for_after_a_failed_start(name: str, tmp_path: Path) -> None:
    """Hypercorn serves when the lifespan goes on after `startup.failed`."""
    host = load_host(f"anystream.conformance.hosts.{name}:host")
    app = host.make_app(UserCode(Journal(tmp_path)))
    broker = RecordingBroker(fail={"start": BrokerDown("no server")})
    host.setup(app, broker)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    inbox.put_nowait({"type": "lifespan.startup"})
    told = asyncio.Event()

    async def send(message: Any) -> None:
        assert message["type"] == "lifespan.startup.failed"
        told.set()
        raise StartFailed

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    lifespan = asyncio.ensure_future(app(scope, inbox.get, send))
    await asyncio.wait_for(told.wait(), 10)
    over = lifespan.done()
    with pytest.raises(StartFailed):
        await lifespan
    assert over
