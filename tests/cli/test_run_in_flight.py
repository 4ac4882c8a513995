"""Messages of real brokers that are in hand when `anystream run` is told to stop."""

from __future__ import annotations

import asyncio
import signal
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.broker_probes import TARGETS
from tests.cli.processes import PATIENCE, anystream, running

APP = """
import asyncio
from pathlib import Path

from anystream.asgi import AsgiFastStream
from anystream.core import FastStream
from anystream.{module} import {broker}

broker = {broker}({url!r}, graceful_timeout=300)
app = {application}(broker)


@broker.subscriber({address!r})
async def work(body: str) -> str:
    print("took", flush=True)
    while not Path("go on").exists():
        await asyncio.sleep(0.02)
    print("done", flush=True)
    return f"{{body}} is done"


@app.after_startup
async def started() -> None:
    print("up", flush=True)


@app.on_shutdown
async def stopping() -> None:
    print("stopping", flush=True)


@app.after_shutdown
async def stopped() -> None:
    print("bye", flush=True)
"""
BROKERS = {"nats": "NatsBroker", "rabbit": "RabbitBroker", "redis": "RedisBroker"}


@pytest.mark.parametrize(
    ("module", "application", "workers"),
    [
        pytest.param("nats", "FastStream", "1", marks=pytest.mark.nats),
        pytest.param("nats", "FastStream", "2", marks=pytest.mark.nats),
        pytest.param("nats", "AsgiFastStream", "1", marks=pytest.mark.nats),
        pytest.param("nats", "AsgiFastStream", "2", marks=pytest.mark.nats),
        pytest.param("rabbit", "FastStream", "2", marks=pytest.mark.rabbit),
        pytest.param("rabbit", "AsgiFastStream", "1", marks=pytest.mark.rabbit),
        pytest.param("redis", "FastStream", "1", marks=pytest.mark.redis),
    ],
)
async def test_message_in_hand_is_answered(
    module: str, application: str, workers: str, tmp_path: Path
) -> None:
    """After SIGTERM the handler goes on, its answer is sent, and then the process ends with 0."""
    url, address = TARGETS[module].url, f"cli-{uuid4().hex}"
    names = {"module": module, "broker": BROKERS[module], "application": application}
    (tmp_path / "bus.py").write_text(APP.format(**names, url=url, address=address))
    client: Any = getattr(import_module(f"anystream.{module}"), BROKERS[module])(url, logger=None)
    words = anystream("run", "bus:app", "-w", workers, "--stop-timeout", "300", "--uds", "s")
    async with client:
        with running(tmp_path, *words) as command:
            await asyncio.to_thread(command.until, "up\n", int(workers))
            asked = asyncio.ensure_future(client.request("tea", address, timeout=PATIENCE))
            await asyncio.to_thread(command.until, "took")
            command.send(signal.SIGTERM)
            await asyncio.to_thread(command.until, "stopping\n", int(workers))
            assert "done" not in command.log
            (tmp_path / "go on").touch()
            answer = await asked
            assert await answer.decode() == "tea is done"
            assert await asyncio.to_thread(command.code) == 0
            # a channel of Redis is heard by both processes
            assert command.log.count("done\n") == command.log.count("took\n")
            assert command.log.count("bye") == int(workers)
            assert "Traceback" not in command.log
            command.until_group_is_gone()
