"""Runs the command in a process of its own, with its lines in a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 45.0  # seconds; a busy machine starts Python slowly


class Command:
    """A running command.

    Args:
        folder: its working directory.
        arguments: of the process.
        env: further environment variables.
        pass_fds: open files that it inherits.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        env: dict[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.file = folder / f"log-{time.monotonic_ns()}"
        with self.file.open("w") as log:
            # as from a terminal, also when the tests themselves run under `nohup`
            was = signal.signal(signal.SIGHUP, signal.SIG_DFL)
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=pass_fds,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **(env or {})},
            )
            signal.signal(signal.SIGHUP, was)

    @property
    def log(self) -> str:
        return self.file.read_text()

    def until(self, text: str, times: int = 1) -> str:
        """Waits until the log has a text so many times; gives the log."""
        self.wait_for(lambda: self.log.count(text) >= times, f"{text!r} {times} times")
        return self.log

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            ended = self.process.poll()
            if (ended is not None and not condition()) or time.monotonic() > deadline:
                raise AssertionError(f"no {what}; exit code {ended}; it wrote:\n{self.log}")
            time.sleep(0.02)

    def send(self, number: int) -> None:
        """Sends a signal to the process alone."""
        self.process.send_signal(number)

    def type_ctrl_c(self) -> None:
        """Sends SIGINT to it and all its children, as a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def code(self) -> int:
        """Waits for the end; the exit code."""
        return self.process.wait(PATIENCE)

    def until_group_is_gone(self) -> None:
        """Waits until none of its processes is left."""
        deadline = time.monotonic() + PATIENCE
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, 0)
                time.sleep(0.02)
            raise AssertionError(f"processes are left; it wrote:\n{self.log}")


@contextmanager
def running(
    folder: Path,
    *arguments: str,
    env: dict[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[Command]:
    """Runs `python …` until the block ends; kills what is left of it then."""
    command = Command(folder, *arguments, env=env, pass_fds=pass_fds)
    try:
        yield command
    finally:
        with suppress(ProcessLookupError):
            os.killpg(command.process.pid, signal.SIGKILL)
        command.process.wait()


def anystream(*arguments: str) -> tuple[str, ...]:
    """The command itself."""
    return ("-m", "anystream.cli", *arguments)
