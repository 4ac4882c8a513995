"""Consumer processes, seen from the test."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.faults.record import Sample
from tests.faults.servers import PROJECT


class Consumer:
    """A process of `tests.faults.consumer`; started again, it goes on writing the same files.

    Args:
        flavour: which harness.
        folder: for its files.
        seats: name -> url, address, watchful.
    """

    def __init__(self, flavour: str, folder: Path, seats: dict[str, dict[str, Any]]) -> None:
        self.flavour = flavour
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.seats = seats
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; `ready` says when it consumes."""
        with (self.folder / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.faults.consumer"),
                    *(self.flavour, str(self.folder), json.dumps(self.seats)),
                ],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )

    def errors(self) -> str:
        """The end of what it wrote to standard error."""
        path = self.folder / "stderr"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def log(self, seat: str) -> str:
        """Its warnings."""
        path = self.folder / f"{seat}.log"
        return path.read_text() if path.exists() else ""

    def samples(self, seat: str) -> list[Sample]:
        path = self.folder / f"{seat}.samples"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [Sample(**json.loads(line)) for line in lines]

    def handled(self, seat: str) -> list[tuple[int, float]]:
        path = self.folder / f"{seat}.handled"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [(int(number), float(at)) for number, at in map(str.split, lines)]

    def began(self) -> list[float]:
        """When each of its processes had imported everything."""
        path = self.folder / "began"
        return [float(line) for line in path.read_text().split()] if path.exists() else []

    def count(self, seat: str) -> int:
        """How many handlings so far."""
        path = self.folder / f"{seat}.handled"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def says_ready(self, seat: str, since: float = 0.0) -> bool:
        """Whether its last answer was True."""
        last = self.samples(seat)[-1:]
        return any(sample.ping and sample.alive and sample.at > since for sample in last)

    async def ready(self, timeout: float = 60.0) -> None:
        """Waits until all its seats say that they are ready."""
        deadline = time.monotonic() + timeout
        for seat in self.seats:
            while not self.says_ready(seat):
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise AssertionError(
                        f"{self.flavour}, {seat}: not ready within {timeout} s\n"
                        f"{self.log(seat)[-2000:]}\n{self.errors()}"
                    )
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self.process is not None:
            self.process.terminate()

    def stopped(self, timeout: float) -> dict[str, Any]:
        """Waits for the end after `ask_to_stop`; what it says of its `stop()`."""
        process = self.process
        if process is None:
            return {"code": None}
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        self.kill()
        path = self.folder / "stopped"
        return {
            "code": code,
            "stderr": self.errors(),
            **(json.loads(path.read_text()) if path.exists() else {}),
        }
