"""Keeps worker processes running."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing import connection, get_context
from typing import Any

from anystream.cli.logs import own_logger
from anystream.cli.process import HANGUP

STABLE = 10.0  # seconds after its start that make a worker a good one
FIRST_DELAY, LONGEST_DELAY = 0.25, 10.0
GIVE_UP = 5  # starts in a row that came to nothing
START_TIMEOUT = 60.0  # how long a restart waits for one worker before it goes on to the next
KILLED = 1.0

CONTEXT = get_context("spawn")


@dataclass
class Worker:
    """A place that always has a process.

    Args:
        number: of the place.
    """

    number: int
    process: Any = None
    pipe: Any = None
    up_since: float | None = None
    crashes: int = 0
    start_at: float | None = 0.0
    ended: bool = False

    @property
    def alive(self) -> bool:
        # Never asked of the process itself: a death that is seen between two waits would leave
        # nothing that the next one could wait for.
        return self.process is not None and not self.ended

    def drop_pipe(self) -> None:
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None


class Supervisor:
    """Starts workers, starts those again that die, stops all.

    SIGINT and SIGTERM stop it, a second one at once; SIGHUP restarts one worker after the other.

    Args:
        arguments: for each worker's number what `target` is called with, the pipe left out.
        target: called in the process as `target(*arguments(number), pipe)`.
        count: how many workers.
        stop_timeout: seconds that all of them together may take to stop.
        restarts: whether a worker that died is started again.
        name: what the supervisor is called in its lines.
    """

    def __init__(
        self,
        target: Callable[..., None],
        arguments: Callable[[int], tuple[Any, ...]],
        *,
        count: int,
        stop_timeout: float,
        restarts: bool = True,
        name: str = "parent",
    ) -> None:
        self.target = target
        self.arguments = arguments
        self.workers = [Worker(number) for number in range(count)]
        self.stop_timeout = stop_timeout
        self.restarts = restarts
        self.name = name
        self.logger = own_logger()
        self.told: deque[int] = deque()
        self.changed: deque[set[str]] = deque()
        self.stop_signals = 0
        self.code = 0
        self.leaving = False
        self._woken, self._wake = CONTEXT.Pipe(duplex=False)

    def run(self) -> int:
        """Runs until a signal ends it, or a worker cannot be kept running; the exit code."""
        import os

        before = {number: signal.signal(number, self._hear) for number in _heeded()}
        try:
            self.logger.info("Started %s process [%s]", self.name, os.getpid())
            while not self.leaving:
                self._restart_if_asked()
                for worker in self.workers:
                    self._tend(worker)
                if not self.leaving:
                    self._wait(self._pause())
        finally:
            self._stop_all()
            self.logger.info("Stopping %s process [%s]", self.name, os.getpid())
            for number, handler in before.items():
                signal.signal(number, handler)
        return self.code

    def change(self, names: set[str]) -> None:
        """Restarts the workers because files have changed; called from any thread."""
        self.changed.append(names)
        self._wake.send_bytes(b"c")

    def _hear(self, number: int, _: Any) -> None:
        self.told.append(number)
        self._wake.send_bytes(b"s")

    def _tend(self, worker: Worker) -> None:
        """Notes a death, and starts what is due."""
        if worker.process is not None and not worker.alive:
            self._died(worker)
        due = worker.start_at is not None and worker.start_at <= time.monotonic()
        if worker.process is None and due and not self.leaving:
            self._start(worker)

    def _start(self, worker: Worker) -> None:
        pipe, writer = CONTEXT.Pipe(duplex=False)
        worker.process = CONTEXT.Process(
            target=self.target,
            args=(*self.arguments(worker.number), writer),
            name=f"anystream worker {worker.number}",
        )
        worker.pipe, worker.up_since, worker.ended = pipe, None, False
        _start_deaf(worker.process)
        writer.close()
        self.logger.info("Started child process %s [%s]", worker.number, worker.process.pid)

    def _died(self, worker: Worker) -> None:
        worker.process.join()
        code, pid = worker.process.exitcode, worker.process.pid
        now = time.monotonic()
        stable = worker.up_since is not None and now - worker.up_since >= STABLE
        worker.crashes = 1 if stable else worker.crashes + 1
        self._forget(worker)
        hint = " Perhaps out of memory?" if code == -9 else ""
        self.logger.error(
            "Worker %s (pid:%s) exited with code %s.%s", worker.number, pid, code, hint
        )
        if not self.restarts:
            worker.start_at = None
            self.logger.error("It starts again when a file changes.")
        elif worker.crashes >= GIVE_UP:
            self.logger.error(
                "Worker %s ended %s times in a row soon after its start: giving up.",
                worker.number,
                worker.crashes,
            )
            self.code, self.leaving = 1, True
        else:
            delay = min(FIRST_DELAY * 2 ** (worker.crashes - 1), LONGEST_DELAY)
            worker.start_at = now + delay * random.uniform(0.8, 1.2)

    def _forget(self, worker: Worker) -> None:
        worker.process.join()
        worker.process.close()
        worker.process = None
        worker.drop_pipe()

    def _pause(self) -> float | None:
        if self.told or self.changed:
            return 0.0  # came while the workers were being restarted
        due = [w.start_at for w in self.workers if w.process is None and w.start_at is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _wait(self, seconds: float | None) -> None:
        """Waits until something happens; notes which workers are up and who wants us to leave."""
        pipes = {worker.pipe: worker for worker in self.workers if worker.pipe is not None}
        ends = {worker.process.sentinel: worker for worker in self.workers if worker.alive}
        for ready in connection.wait([self._woken, *pipes, *ends], seconds):
            if ready is self._woken:
                self._woken.recv_bytes()
            elif ready in pipes:
                _note_up(pipes[ready])
            else:
                ends[ready].ended = True
        self._note_signals()

    def _note_signals(self) -> None:
        for number in [n for n in self.told if n != HANGUP]:
            self.told.remove(number)
            self.stop_signals += 1
            self.leaving = True
            if self.stop_signals > 1:
                self.code = 128 + number

    def _wait_while(self, going_on: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while going_on() and (left := deadline - time.monotonic()) > 0:
            self._wait(left)

    def _restart_if_asked(self) -> None:
        if not self.told and not self.changed:
            return
        names = set().union(*(self.changed.popleft() for _ in range(len(self.changed))))
        if names:
            shown = ", ".join(sorted(names))
            text = "WatchReloader detected file change in '%s'. Reloading..."
            self.logger.warning(text, shown)
        self.told.clear()
        for worker in self.workers:
            self._replace(worker)
            if self.leaving or not worker.alive:
                break  # the others keep running as they were
        else:
            self.logger.info("Process successfully reloaded")

    def _replace(self, worker: Worker) -> None:
        if worker.alive:
            self._stop([worker], lambda: False)
        if worker.process is not None:
            self._forget(worker)
        if self.leaving:
            return
        worker.crashes = 0
        self._start(worker)
        self._wait_while(
            lambda: worker.up_since is None and worker.alive and not self.leaving, START_TIMEOUT
        )

    def _stop_all(self) -> None:
        self._stop(self.workers, lambda: self.stop_signals > 1)
        for worker in self.workers:
            if worker.process is not None:
                self._forget(worker)
        self._woken.close()

    def _stop(self, workers: Iterable[Worker], at_once: Callable[[], bool]) -> None:
        """Stops workers at the same time, and kills those that are left at the deadline."""
        stopped = [worker for worker in workers if worker.alive]
        for worker in stopped:
            text = "Stopping child process %s [%s]"
            self.logger.info(text, worker.number, worker.process.pid)
            worker.process.terminate()
        self._wait_while(
            lambda: any(worker.alive for worker in stopped) and not at_once(), self.stop_timeout
        )
        for worker in stopped:
            if worker.alive:
                text = "Worker %s (pid:%s) did not stop in time and was killed."
                self.logger.error(text, worker.number, worker.process.pid)
                self.code = self.code or 1
                worker.process.kill()
                worker.process.join(KILLED)
                worker.ended = True


def _note_up(worker: Worker) -> None:
    try:
        worker.pipe.recv_bytes()
        worker.up_since = time.monotonic()
    except EOFError:
        worker.drop_pipe()


def _heeded() -> list[int]:
    heeded: list[int] = [signal.SIGINT, signal.SIGTERM]
    if HANGUP and signal.getsignal(HANGUP) is not signal.SIG_IGN:  # nohup
        heeded.append(HANGUP)
    return heeded


def _start_deaf(process: Any) -> None:
    """Starts a process that no Ctrl-C reaches before it has said what it does with one."""
    if sys.platform == "win32":
        process.start()
        return
    from multiprocessing.resource_tracker import ensure_running

    typed = {signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        ensure_running()  # its process lives through SIGHUP, too; it unblocks SIGINT here
        signal.pthread_sigmask(signal.SIG_BLOCK, typed)
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, typed)
