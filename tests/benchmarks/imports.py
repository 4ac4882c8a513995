"""How long `import` takes, with compiled modules on the disk, less the bare interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

from tests.benchmarks.child import Round

STATEMENTS = {
    "raw": "import nats; from pydantic import BaseModel",
    "faststream": "import faststream.nats",
    "anystream": "import anystream.nats",
}


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """A directory of compiled modules, written once before anything is measured."""
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        env.pop("PYTHONDONTWRITEBYTECODE", None)

        def once(statement: str) -> tuple[float, float]:
            before = os.times()
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], env=env, check=True)
            wall = time.perf_counter() - began
            after = os.times()
            cpu = after.children_user + after.children_system
            return wall * 1e3, (cpu - before.children_user - before.children_system) * 1e3

        once(STATEMENTS[side])
        once("pass")

        async def one_round(count: int) -> dict[str, float]:
            full = [once(STATEMENTS[side]) for _ in range(count)]
            bare = [once("pass") for _ in range(count)]
            wall, cpu = (
                median(run[i] for run in full) - median(run[i] for run in bare) for i in (0, 1)
            )
            return {"wall": wall, "cpu": cpu}

        yield one_round
