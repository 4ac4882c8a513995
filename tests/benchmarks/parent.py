"""Starts the measured processes, feeds them, and collects what they say."""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.flood import flood
from tests.benchmarks.load import load
from tests.benchmarks.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120.0

Results = dict[str, dict[str, list[float]]]  # row -> side -> rounds


class SideFailed(Exception):
    """A measured process gave up; the text is its own."""


class Child:
    """One measured process.

    Args:
        scenario: what it does.
        side: which of the three it is.
    """

    def __init__(self, scenario: Scenario, side: str) -> None:
        self.name = f"{scenario.name} / {side}"
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the child
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.benchmarks.child",
                scenario.module,
                scenario.case,
                side,
            ],
            cwd=ROOT,
            env={**os.environ, "BENCH_PORT": str(free_port())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            bufsize=1,
        )

    def ready(self) -> None:
        """Waits until it is set up."""
        self.expect("ready")

    def round(self, count: int) -> dict[str, float]:
        """Runs one round; returns row titles with their numbers."""
        self.tell(str(count))
        result: dict[str, float] = self.expect("result")
        return result

    def tell(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def expect(self, key: str) -> Any:
        while True:
            message = self.read()
            if "flood" in message:
                self.serve(flood, message["flood"])
            elif "work" in message:  # a function of a scenario module, run outside the child
                module, _, name = message["work"].partition(":")
                work = getattr(import_module(f"tests.benchmarks.{module}"), name)
                self.serve(work, message["options"])
            elif "load" in message:
                self.tell(str(self.serve(load, message["load"])))
            elif key in message:
                return message[key]
            else:
                raise SideFailed(f"{self.name}: {message.get('error', message)}")

    def serve(self, work: Callable[..., Any], options: dict[str, Any]) -> Any:
        """Does what the child asks for; a refusal is the child's failure."""
        try:
            return work(**options)
        except (OSError, RuntimeError) as error:
            raise SideFailed(f"{self.name}: {error}\n{self.noise()}") from error

    def read(self) -> dict[str, Any]:
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(TIMEOUT):
                raise SideFailed(f"{self.name}: silent for {TIMEOUT:.0f} s\n{self.noise()}")
        line = self.process.stdout.readline()
        if not line:
            raise SideFailed(f"{self.name}: ended early\n{self.noise()}")
        message: dict[str, Any] = json.loads(line)
        return message

    def noise(self) -> str:
        """The end of what it wrote to standard error."""
        self.errors.seek(0)
        return self.errors.read()[-3000:]

    def close(self) -> None:
        """Ends it; kills it when it does not end by itself."""
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def measure(
    scenario: Scenario, *, rounds: int, count: int, warm_up: int, tolerant: bool = False
) -> tuple[Results, list[str]]:
    """Runs all sides of a scenario in alternating rounds.

    Args:
        rounds: how many are counted.
        count: messages or requests in each.
        warm_up: messages of the round before, which is not counted.
        tolerant: leave out a side that fails instead of raising.

    Returns:
        The numbers, and the errors of sides that were left out.
    """
    results: Results = {}
    errors: list[str] = []
    children: dict[str, Child] = {}
    broken: set[str] = set()
    try:
        for number in range(rounds):
            shift = number % len(scenario.sides)
            for side in scenario.sides[shift:] + scenario.sides[:shift]:
                if side in broken:
                    continue
                try:
                    for row, value in _round(scenario, side, children, count, warm_up).items():
                        results.setdefault(row, {}).setdefault(side, []).append(value)
                except SideFailed as error:
                    if not tolerant:
                        raise
                    broken.add(side)
                    errors.append(str(error))
    finally:
        for child in children.values():
            child.close()
    return results, errors


def _round(
    scenario: Scenario, side: str, children: dict[str, Child], count: int, warm_up: int
) -> dict[str, float]:
    child = children.get(side)
    if child is None:
        child = children[side] = Child(scenario, side)
        child.ready()
        if warm_up and not scenario.fresh:
            child.round(warm_up)
    result = child.round(count)
    if scenario.fresh:
        children.pop(side).close()
    return result


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
