"""Starts a server in a child process and knows when it answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_answering(process: subprocess.Popen[str], port: int, seconds: float = 60) -> None:
    """Returns when the port takes connections; raises when the process ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with closing(socket.create_connection(("127.0.0.1", port), 0.2)):
                return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"nothing answers at port {port}")


@contextmanager
def child(module: str, *arguments: str, log: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Runs `python -m module`; what it prints goes to `log`; it is killed if it is still there."""
    with open(log or "/dev/null", "w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Sanic's manager kills its whole process group at times
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
