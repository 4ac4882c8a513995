"""The table, and where it was measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from tests.benchmarks.parent import Results
from tests.benchmarks.scenario import ANYSTREAM, FASTSTREAM, RAW, SIDES, Goal, Scenario, middle

PACKAGES = (
    "anystream",
    "faststream",
    "fast-depends",
    "nats-py",
    "pydantic",
    "msgspec",
    "uvicorn",
    "uvloop",
    "aiohttp",
    "sanic",
    "litestar",
    "quart",
    "falcon",
    "blacksheep",
    "fastapi",
)
UNITS = {"declare and start": "ms", "memory": "MB", "per message": "us", "": "x"}

HEAD = (
    f"{'scenario':<42} {'raw':>8} {'FastStr.':>8} {'anystr.':>8}     "
    f"{'ours/raw':<27} {'FastStream/ours':<27}"
)


def environment() -> list[str]:
    """The machine and the versions."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} -")
    return [
        f"{platform.platform()}, {os.cpu_count()} CPUs (load {load}), {platform.processor()}",
        f"Python {platform.python_version()}; {', '.join(found)}",
    ]


def rows(scenario: Scenario, results: Results) -> list[str]:
    """The lines of one scenario."""
    lines = []
    for title, samples in results.items():
        name = scenario.name if len(results) == 1 else f"{scenario.name}: {title}"
        unit = scenario.unit or UNITS.get(title, "x")
        numbers = " ".join(_number(middle(samples, side)) for side in SIDES)
        goals = scenario.goals.get(title, ())
        ours = _cell([goal for goal in goals if goal.column == RAW], samples)
        peer = _cell([goal for goal in goals if goal.column == FASTSTREAM], samples)
        if not peer and middle(samples, FASTSTREAM) and middle(samples, ANYSTREAM):
            ratio = middle(samples, FASTSTREAM) / middle(samples, ANYSTREAM)  # type: ignore[operator]
            peer = f"{ratio:6.2f}"
        lines.append(f"{name:<42} {numbers} {unit:<3} {ours:<27} {peer:<27}".rstrip())
    return lines


def _number(value: float | None) -> str:
    return f"{value:8.2f}" if value is not None else f"{'-':>8}"


def _cell(goals: list[Goal], samples: dict[str, list[float]]) -> str:
    cells = []
    for goal in goals:
        value = goal.value(samples)
        if value is None:
            continue
        sign = ">=" if goal.kind == "at least" else "<="
        plus = "+" if goal.kind == "plus" else ""
        limits = f"{sign} {plus}{goal.must:.4g} -> {goal.aim:.4g}"
        shown = f"{value:+6.1f}" if plus else f"{value:6.2f}"
        cells.append(f"{shown} ({limits}) {goal.verdict(samples)}")
    return "; ".join(cells)
