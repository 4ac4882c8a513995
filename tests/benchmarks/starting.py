"""How long `run` takes from the command to the line that says that the application has started."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks.child import Round
from tests.broker_probes import TARGETS

APP = """
from {name} import FastStream
from {package}.nats import NatsBroker

broker = NatsBroker({url!r})
app = FastStream(broker)


@broker.subscriber("bench.start.{name}")
async def handle(body: dict) -> None: ...
"""
IMPORTS = {"faststream": ("faststream", "faststream"), "anystream": ("anystream.core", "anystream")}
COMMANDS = {
    "faststream": "from faststream.__main__ import cli; cli()",
    "anystream": "from anystream.cli import main; main()",
}


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """A folder with an application, and its compiled modules, written before anything counts."""
    name, package = IMPORTS[side]
    with tempfile.TemporaryDirectory() as folder:
        text = APP.format(name=name, package=package, url=TARGETS["nats"].url)
        Path(folder, "bench_app.py").write_text(text)
        env = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        await asyncio.to_thread(_start, side, folder, env)

        async def one_round(count: int) -> dict[str, float]:
            runs = [await asyncio.to_thread(_start, side, folder, env) for _ in range(count)]
            return {"start": median(wall for wall, _ in runs), "cpu": median(c for _, c in runs)}

        yield one_round


def _start(side: str, folder: str, env: dict[str, str]) -> tuple[float, float]:
    """Milliseconds until it has started, and those of CPU until it has ended."""
    before, began = os.times(), time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", COMMANDS[side], "run", "bench_app:app"],
        cwd=folder,
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stderr is None or not any("started success" in line for line in process.stderr):
            raise RuntimeError(f"{side} did not start: exit code {process.wait()}")
        wall = time.perf_counter() - began
        process.terminate()
        process.stderr.read()
    after = os.times()
    cpu = after.children_user + after.children_system
    return wall * 1e3, (cpu - before.children_user - before.children_system) * 1e3
