"""A consumer process: `python -m tests.faults.consumer FLAVOUR FOLDER SEATS`.

SEATS is JSON: name -> {"url": ..., "address": ..., "watchful": ...}; each gets a broker of its
own. Into FOLDER go `began` (when each process had imported everything), `<seat>.handled` (number
and time of each handled message), `<seat>.samples` (four times a second: what readiness says,
JSON lines), `<seat>.log` (warnings) and, after SIGTERM, `stopped` (JSON: how long `stop()` took,
what it left behind). Times are those of the system's monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from anystream.core.exceptions import FastStreamException
from tests.faults.harness import FaultHarness, harness

SAMPLE_EVERY = 0.25
PING_TIMEOUT = 1.0

connects = 0


def _count_connects(event: str, _: object) -> None:
    if event == "socket.connect":
        global connects
        connects += 1


class CountingLogger:
    """Writes the log lines to a file and counts them."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a", buffering=1)
        self.lines = 0

    def log(self, level: int, msg: Any, *args: Any, exc_info: Any = None, **_: Any) -> None:
        if level > 20:  # the line about each message is no sign of trouble
            self.lines += 1
            self.file.write(f"{time.monotonic():.3f} {level} {msg}\n")
        elif "receives" in str(msg) or "stablished" in str(msg):
            self.file.write(f"{time.monotonic():.3f} {level} {msg}\n")


class Seat:
    """One broker of this process, and what is written down about it."""

    def __init__(self, made: FaultHarness, folder: Path, name: str, seat: dict[str, Any]) -> None:
        self.logger = CountingLogger(folder / f"{name}.log")
        self.broker = made.broker(seat["url"], self.logger, watchful=seat["watchful"])
        self.handled = os.open(folder / f"{name}.handled", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.samples = (folder / f"{name}.samples").open("a", buffering=1)
        made.subscribe(self.broker, seat["address"], self.handle)

    async def handle(self, body: int) -> None:
        await asyncio.sleep(0)
        os.write(self.handled, b"%d %.4f\n" % (body, time.monotonic()))

    async def sample(self) -> None:
        """Writes down for ever what a readiness endpoint would say."""
        while True:
            began = time.monotonic()
            ping = await self.broker.ping(PING_TIMEOUT)
            alive = all(subscriber.alive for subscriber in self.broker.subscribers)
            took = time.monotonic() - began
            line = {"at": began, "took": took, "ping": ping, "alive": alive}
            line |= {"lines": self.logger.lines, "connects": connects, "cpu": time.process_time()}
            self.samples.write(json.dumps(line) + "\n")
            await asyncio.sleep(max(0.0, SAMPLE_EVERY - took))


async def start(broker: Any) -> None:
    """Starts it; a machine that is busy with starting everything gets a second chance."""
    try:
        await broker.start()
    except FastStreamException:
        await broker.stop()
        await broker.start()


async def run(made: FaultHarness, folder: Path, seats: dict[str, dict[str, Any]]) -> None:
    with (folder / "began").open("a") as began_at:
        began_at.write(f"{time.monotonic():.4f}\n")
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    taken = [Seat(made, folder, name, seat) for name, seat in seats.items()]
    before = set(threading.enumerate())
    await asyncio.gather(*(start(seat.broker) for seat in taken))
    sampling = [asyncio.ensure_future(seat.sample()) for seat in taken]
    await told.wait()
    for task in sampling:
        task.cancel()
    await asyncio.gather(*sampling, return_exceptions=True)
    began = time.monotonic()
    await asyncio.gather(*(seat.broker.stop() for seat in taken))
    took = time.monotonic() - began
    left = {str(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()}
    # asyncio's own pool, which resolves host names, lives as long as its loop
    threads = {
        thread.name
        for thread in set(threading.enumerate()) - before
        if not thread.name.startswith("asyncio_")
    }
    report = {"took": took, "tasks": sorted(left), "threads": sorted(threads)}
    (folder / "stopped").write_text(json.dumps(report))


def main(flavour: str, folder: str, seats: str) -> None:
    sys.addaudithook(_count_connects)
    asyncio.run(run(harness(flavour), Path(folder), json.loads(seats)))


if __name__ == "__main__":
    main(*sys.argv[1:])
