"""20,000 messages of a stream, and a consumer process that is killed or stopped again and again."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext

pytestmark = [pytest.mark.nats, pytest.mark.slow]

COUNT = 20_000
TIMES = 5
PROGRAM = Path(__file__).with_name("consumer_process.py")


@pytest.fixture
async def filled(nats_url: str, stream: str, subject: str) -> AsyncIterator[JetStreamContext]:
    """A stream with the numbers from 0 as messages."""
    client = await nats.connect(nats_url)
    js = client.jetstream()
    await js.add_stream(name=stream, subjects=[subject], storage="memory")
    for number in range(COUNT):
        await client.publish(subject, b"%d" % number)
    while (await js.stream_info(stream)).state.messages < COUNT:
        await asyncio.sleep(0.02)
    yield js
    await client.close()


def handled(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def grow(path: Path, enough: int, process: asyncio.subprocess.Process) -> bool:
    """Waits until so many messages were handled; False when the process ended before."""
    deadline = time.monotonic() + 30.0
    while not path.exists() or path.read_bytes().count(b"\n") < enough:
        if process.returncode is not None:
            return False
        assert time.monotonic() < deadline, f"{len(handled(path))} of {enough} were handled"
        await asyncio.sleep(0.02)
    return True


@pytest.mark.parametrize("kind", ["push", "pull"])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
async def test_none_is_lost(
    filled: JetStreamContext,
    nats_url: str,
    stream: str,
    subject: str,
    tmp_path: Path,
    kind: str,
    end: signal.Signals,
) -> None:
    """Killed five times every message is handled at least once; stopped, exactly once."""
    log = tmp_path / "handled"

    async def consumer() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), nats_url, stream, subject, kind, str(log)
        )

    for number in range(1, TIMES + 1):
        before = len(handled(log))
        for _ in range(3):  # on a busy machine a stream may answer too late: then it starts again
            process = await consumer()
            if await grow(log, max(before + 500, number * 1500), process):
                break
        process.send_signal(end)
        code = await asyncio.wait_for(process.wait(), 10.0)
        assert code == (-signal.SIGKILL if end is signal.SIGKILL else 0)
    last = await consumer()
    deadline = time.monotonic() + 90.0
    while len(set(handled(log))) < COUNT and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    last.terminate()
    assert await asyncio.wait_for(last.wait(), 10.0) == 0

    times = Counter(handled(log))
    assert set(times) == set(range(COUNT))
    if end is signal.SIGTERM:
        assert [number for number, count in times.items() if count > 1] == []
    info = await filled.consumer_info(stream, kind)
    assert (info.num_pending, info.num_ack_pending) == (0, 0)
