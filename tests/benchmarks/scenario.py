"""What is measured, and what it is held against."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

RAW, FASTSTREAM, ANYSTREAM = "raw", "faststream", "anystream"
SIDES = (RAW, FASTSTREAM, ANYSTREAM)

Samples = Mapping[str, list[float]]


@dataclass(frozen=True)
class Goal:
    """A comparison with two limits.

    Args:
        column: under which heading of the table it stands: `raw` or `faststream`.
        must: the limit that has to hold.
        aim: the limit that is wished for.
        kind: `at most` (ours / raw), `at least` (FastStream / ours), `plus` (ours - raw, in the
            row's unit) or `own` (our own value as it is).
    """

    column: str
    must: float
    aim: float
    kind: str

    def value(self, samples: Samples) -> float | None:
        """The compared number, None when a side is missing."""
        ours = middle(samples, ANYSTREAM)
        other = middle(samples, self.column)
        if ours is None or ours == 0:
            return None
        if self.kind == "own":
            return ours
        if other is None:
            return None
        if self.kind == "plus":
            return ours - other
        return other / ours if self.kind == "at least" else ours / other

    def verdict(self, samples: Samples) -> str:
        """`aim`, `must` or `MISS`; empty when there is nothing to compare."""
        value = self.value(samples)
        if value is None:
            return ""
        better: Callable[[float, float], bool] = (
            operator.ge if self.kind == "at least" else operator.le
        )
        return "aim" if better(value, self.aim) else "must" if better(value, self.must) else "MISS"


def of_raw(must: float, aim: float | None = None) -> Goal:
    """At most so many times the hand-written client."""
    return Goal(RAW, must, must if aim is None else aim, "at most")


def times_less(must: float, aim: float | None = None) -> Goal:
    """At least so many times less than FastStream."""
    return Goal(FASTSTREAM, must, must if aim is None else aim, "at least")


@dataclass(frozen=True)
class Scenario:
    """One or more rows of the table, measured in one child process per side.

    Args:
        name: how it is chosen on the command line; also the title of its only row.
        module: the module of this package that has the work.
        case: which of the module's cases.
        count: messages or requests in a round.
        goals: row title to its goals; a single row may use the scenario's name.
        unit: of the numbers.
        sides: those that exist for it.
        fresh: each round needs processes of its own (import, start).
        nats: it needs NATS.
        marker: pytest's marker of the server that it needs, if that is another one.
    """

    name: str
    module: str
    case: str
    count: int
    goals: Mapping[str, tuple[Goal, ...]] = field(default_factory=dict)
    unit: str = "us"
    sides: tuple[str, ...] = SIDES
    fresh: bool = False
    nats: bool = True
    marker: str = ""


def middle(samples: Samples, side: str) -> float | None:
    """The median of a side's rounds."""
    values = samples.get(side)
    return median(values) if values else None
