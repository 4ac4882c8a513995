"""The supervisor itself, in this process, with workers of its own."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest

from anystream.cli import supervisor
from anystream.cli.supervisor import Supervisor
from tests.cli.processes import PATIENCE


def silent_until(file: Path, pipe: Any) -> None:
    """A worker that says nothing more, and fails when there is a file."""
    pipe.close()
    while not file.exists():
        time.sleep(0.01)
    os._exit(3)


class Late(Supervisor):
    """Ends the worker when it was seen alive, just before the wait for it.

    Args:
        file: what the worker waits for.
    """

    waited = 0.0

    def __init__(self, file: Path) -> None:
        super().__init__(silent_until, lambda _: (file,), count=1, stop_timeout=PATIENCE)
        self.file = file

    def _wait(self, seconds: float | None) -> None:
        worker = self.workers[0]
        if worker.pipe is None and not self.file.exists():
            self.file.touch()
            # the process is gone then, and nobody has asked for its exit code yet
            os.waitid(os.P_PID, worker.process.pid, os.WEXITED | os.WNOWAIT)
        began = time.monotonic()
        super()._wait(PATIENCE if seconds is None else seconds)
        self.waited = max(self.waited, time.monotonic() - began)


def test_a_death_between_two_waits_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker without a pipe ends between the look and the wait: the wait returns at once."""
    monkeypatch.setattr(supervisor, "GIVE_UP", 1)
    own = logging.getLogger("anystream.cli")
    monkeypatch.setattr(own, "propagate", True)
    late = Late(tmp_path / "end")
    assert late.run() == 1
    assert late.waited < PATIENCE
    assert "exited with code 3" in caplog.text
