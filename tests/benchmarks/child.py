"""The measured process: `python -m tests.benchmarks.child <module> <case> <side>`.

It reads the number of messages of a round from standard input, a line each, and answers with
JSON lines: `ready`, requests to the parent (`flood`, `load`, `work`), `result` or `error`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any

Round = Callable[[int], Awaitable[dict[str, float]]]
Open = Callable[[str, str], AbstractAsyncContextManager[Round]]

_out = os.fdopen(os.dup(1), "w", buffering=1)


def say(**message: Any) -> None:
    """Sends one line to the parent."""
    _out.write(json.dumps(message) + "\n")


async def run_rounds(open_side: Open, case: str, side: str) -> None:
    """Opens a side once and runs rounds until standard input ends."""
    async with open_side(case, side) as one_round:
        say(ready=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            say(result=await one_round(int(line)))


def serve_rounds(module: Any, case: str, side: str) -> None:
    """For servers that want the main thread: the rounds are counted in another one."""

    def control() -> None:
        port = int(os.environ["BENCH_PORT"])
        path = module.path_of(case, side)
        body = module.body_of(case) if hasattr(module, "body_of") else ""
        say(ready=True)
        while line := sys.stdin.readline():
            count, cpu = int(line), time.process_time()
            say(load={"port": port, "path": path, "count": count, "body": body})
            seconds = sys.stdin.readline()
            if not seconds:
                break
            row = {case: (time.process_time() - cpu) / count * 1e6}
            if hasattr(module, "TIME"):
                row[module.TIME] = float(seconds) / count * 1e6
            say(result=row)
        os._exit(0)

    threading.Thread(target=control, daemon=True).start()
    module.serve(case, side, int(os.environ["BENCH_PORT"]))


def main() -> None:
    name, case, side = sys.argv[1:4]
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    try:
        module = import_module(f"tests.benchmarks.{name}")
        if hasattr(module, "serve"):
            serve_rounds(module, case, side)
        else:
            asyncio.run(run_rounds(module.open_side, case, side))
    except BaseException:
        say(error=traceback.format_exc())
        os._exit(1)  # a thread may still read standard input


if __name__ == "__main__":
    # a scenario module that imports this one must get this very module
    sys.modules["tests.benchmarks.child"] = sys.modules["__main__"]
    main()
