"""The table of a run, in the page of the docs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.parent import Results
from tests.benchmarks.report import UNITS, environment
from tests.benchmarks.scenario import ANYSTREAM, FASTSTREAM, RAW, SIDES, Goal, Scenario, middle

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- figures of one run begin -->", "<!-- figures of one run end -->"
HEAD = "| scenario | unit | raw | FastStream | anystream | ours/raw | FastStream/ours |"


def write(rounds: int, found: Mapping[str, tuple[Scenario, Results]]) -> None:
    """Replaces the table of the page.

    Args:
        rounds: of each scenario.
        found: what was measured, by name.
    """
    lines = [BEGIN, "", f"Medians of {rounds} rounds. " + " ".join(environment()), ""]
    lines += [HEAD, "|---|---|---|---|---|---|---|"]
    for scenario, results in found.values():
        lines += [_row(scenario, title, samples) for title, samples in results.items()]
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + "\n".join([*lines, "", END]) + rest.partition(END)[2])


def _row(scenario: Scenario, title: str, samples: Mapping[str, list[float]]) -> str:
    name = scenario.name if title == scenario.case else f"{scenario.name}: {title}"
    unit = (scenario.unit or UNITS.get(title, "")).replace("us", "µs")
    goals = scenario.goals.get(title, ())
    cells = [name, unit, *(_number(middle(samples, side)) for side in SIDES)]
    cells += [_compared(samples, goals, column) for column in (RAW, FASTSTREAM)]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _compared(samples: Mapping[str, list[float]], goals: tuple[Goal, ...], column: str) -> str:
    ours, other = middle(samples, ANYSTREAM), middle(samples, column)
    if not ours or other is None:
        return "–"
    ratio = other / ours if column == FASTSTREAM else ours / other
    limits = [
        f"at least {goal.must:.3g}"
        if goal.kind == "at least"
        # how much of FastStream's: the column shows it the other way round
        else f"at least {1 / goal.must:.3g}"
        if column == FASTSTREAM
        else f"at most {goal.must:.3g}"
        for goal in goals
        if goal.column == column and goal.verdict(samples) == "MISS"
    ]
    return f"{ratio:.3g}" + (f" (goal: {', '.join(limits)})" if limits else "")
