"""The server process under test, seen from outside."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from anystream.conformance.journal import POLL, ClauseBroken, Event, Timeline
from anystream.conformance.plan import VARIABLE, Order, Plan
from anystream.conformance.servers import SERVERS, Server
from anystream.conformance.wire import TIMEOUT, Answer, fetch

T = TypeVar("T")
START_SECONDS = 40.0
EXIT_SECONDS = 12.0

_ports = itertools.count(random.randrange(18000, 30000))


class ServerProcess:
    """One process under test with its journal, its output and its end.

    Args:
        host: where the Host is, as `module:attribute`.
        server: the name of a server, or the name of a check without a server.
        plan: the application.
    """

    def __init__(self, host: str, server: str, plan: Plan) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self.folder = Path(self._folder.name)
        self.order = Order(host, server, free_port(), self.folder, plan)
        self.plan = plan
        self.port = self.order.port
        self.server: Server | None = SERVERS.get(server)
        self.exit_code: int | None = None
        self.notes: dict[str, Any] = {}
        self._remembered: tuple[Timeline, str] | None = None
        self._popen = self._spawn()

    @property
    def workers(self) -> int:
        """How many processes are expected to start the brokers."""
        least = self.server.workers if self.server else 1
        return max(least, self.plan.workers)

    @property
    def pid(self) -> int:
        """The process that got the command line."""
        return self._popen.pid

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "anystream.conformance.child"]
        if self.server is not None:
            command = self.server.command(self.order)
        path = os.pathsep.join(entry for entry in sys.path if entry)
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
            VARIABLE: str(self.order.save()),
        }
        with (self.folder / "output").open("wb") as output:
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def timeline(self) -> Timeline:
        """The journal so far."""
        return self._remembered[0] if self._remembered else Timeline.read(self.folder)

    def output(self) -> str:
        """What the process wrote to stdout and stderr."""
        if self._remembered:
            return self._remembered[1]
        return (self.folder / "output").read_text(errors="replace")

    def raise_flag(self, name: str) -> None:
        """Raises a flag that the process can see."""
        (self.folder / f"{name}.flag").touch()

    def lower_flag(self, name: str) -> None:
        """Takes a flag back."""
        (self.folder / f"{name}.flag").unlink(missing_ok=True)

    def get(self, path: str, **options: Any) -> Answer:
        """One request on a connection of its own; see `wire.fetch`."""
        return fetch(self.port, path, **options)

    def until(self, look: Callable[[], T | None], what: str, seconds: float = TIMEOUT) -> T:
        """Returns what `look` finds; ClauseBroken when it finds nothing in time."""
        deadline = time.monotonic() + seconds
        while True:
            if found := look():
                return found
            if time.monotonic() > deadline:
                raise ClauseBroken(
                    f"not within {seconds} s: {what}; journal: {self.timeline()}; "
                    f"output: {self.output()[-2000:]}"
                )
            time.sleep(POLL)

    def until_event(self, event: str, seconds: float = TIMEOUT, **details: Any) -> None:
        """Returns once the journal has the event."""
        self.until(lambda: self.timeline().has(event, **details), event, seconds)

    def ended(self) -> bool:
        """Whether the process is gone."""
        self.exit_code = self._popen.poll()
        return self.exit_code is not None

    def answers(self) -> Answer | None:
        """The answer to a first request, or None while the server gives none."""
        try:
            return self.get("/user/hello", timeout=1.0)
        except (OSError, http.client.HTTPException):
            return None

    def wait_ready(self) -> None:
        """Returns once requests are answered, in every worker that is expected."""

        def ready() -> bool:
            if self.ended():
                raise ClauseBroken(f"ended with {self.exit_code}: {self.output()[-3000:]}")
            return self.answers() is not None and self._workers_up()

        self.until(ready, "a first answer", START_SECONDS)
        self.until(self._takes_signals, "a handler for SIGTERM", 3.0)
        if self.workers > 1 and self.server is not None:
            time.sleep(self.server.settling)

    def _workers_up(self) -> bool:
        if not self.plan.lifespan:
            return True
        line = self.server.ready_line if self.server else ""
        if line and self.output().count(line) < self.workers:
            return False
        events = self.timeline().events
        return len({entry.pid for entry in events if self._is_up(entry)}) >= self.workers

    def _is_up(self, entry: Event) -> bool:
        if self.workers == 1 or self.plan.stream == "traffic":
            return entry.event == "user.start"
        last = self.plan.brokers[0 if self.plan.stream == "broker" else -1]
        started = entry.event in ("broker.started", "broker.connected")
        return started and entry.details.get("broker") == last.name

    def _takes_signals(self) -> bool:
        """Some servers ignore signals for a moment after their first requests."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return True
        masks = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Sig"))
        bit = 1 << (signal.SIGTERM - 1)
        return bool(int(masks["SigCgt"], 16) & bit) and not int(masks["SigIgn"], 16) & bit

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends a signal to the process that got the command line."""
        self._popen.send_signal(number)

    def wait_end(self, seconds: float = EXIT_SECONDS) -> None:
        """Returns once the process is gone; ClauseBroken when it stays."""
        self.until(self.ended, "the end of the process", seconds)

    def close(self) -> None:
        """Kills what is left of the process and its workers; journal and output are kept."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        if self._remembered is None:
            self._remembered = (self.timeline(), self.output())
            self._folder.cleanup()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise OSError("no free port")
