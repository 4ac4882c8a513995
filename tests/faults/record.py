"""What was seen of one flavour in one scenario, and the figures that follow from it."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

NO_ANSWER = 1.5  # seconds between two answers that are too many


@dataclass
class Sample:
    """What readiness said, and when it was asked."""

    at: float
    took: float
    ping: bool
    alive: bool
    lines: int
    connects: int
    cpu: float


@dataclass
class Record:
    """One flavour in one scenario.

    `cut` is when the fault began, `back` when its cause had ended; `confirmed` has the time at
    which the publish of each number was confirmed, `handled` number and time of each handling.
    `gone` are those that were deleted at the server, and `stop_took` the seconds of a `stop()` in
    the next outage. `slack`: messages within so many seconds are not late. `newer_only`: only
    messages published after the cut say that it works again.
    """

    flavour: str
    scenario: str
    cut: float
    back: float
    confirmed: dict[int, float]
    handled: list[tuple[int, float]]
    samples: list[Sample] = field(default_factory=list)
    attempts: int | None = None
    publish_errors: Counter[str] = field(default_factory=Counter)
    strange_errors: list[str] = field(default_factory=list)
    slowest_publish: float = 0.0
    gone: set[int] = field(default_factory=set)
    slack: float = 4.0
    newer_only: bool = False
    stop_took: float | None = None
    log: str = ""

    @cached_property
    def first_handled(self) -> dict[int, float]:
        """When each number was handled for the first time."""
        found: dict[int, float] = {}
        for number, at in self.handled:
            found[number] = min(at, found.get(number, at))
        return found

    @property
    def lost(self) -> list[int]:
        """Confirmed and never handled."""
        return sorted(set(self.confirmed) - set(self.first_handled) - self.gone)

    @property
    def repeated(self) -> int:
        """How many handlings were not the first one of their message."""
        return len(self.handled) - len(self.first_handled)

    @property
    def flows_after(self) -> float | None:
        """Seconds from the end of the cause to the first message that was handled."""
        if self.newer_only:  # nothing went away: what is handled may have been on its way
            times = [at for n, at in self.handled if self.confirmed.get(n, 0.0) >= self.cut]
        else:
            times = [at for _, at in self.handled if at >= self.back]
        return min(times) - self.back if times else None

    def _during(self) -> list[Sample]:
        """Samples asked while it was away and answered before it was back."""
        return [s for s in self.samples if s.at > self.cut and s.at + s.took < self.back]

    @property
    def unready_after(self) -> float | None:
        """Seconds from the cut to the first answer of False."""
        times = [s.at + s.took for s in self.samples if s.at + s.took > self.cut and not s.ping]
        return min(times) - self.cut if times else None

    @property
    def ready_after(self) -> float | None:
        """Seconds from the end of the cause to the first answer of True."""
        times = [s.at + s.took for s in self.samples if s.at >= self.back and s.ping and s.alive]
        return max(0.0, min(times) - self.back) if times else None

    def claimed_ready(self, delay: float, what: str = "ping") -> list[float]:
        """When, seconds after the cut, True was said although it was away for `delay` seconds."""
        late = [s for s in self._during() if s.at > self.cut + delay]
        return [round(s.at - self.cut, 2) for s in late if getattr(s, what)]

    def lies(self) -> list[tuple[int, float | None]]:
        """Messages that came late (or never) although readiness said True all the time."""
        found: list[tuple[int, float | None]] = []
        for number, sent in self.confirmed.items():
            if number in self.gone:
                continue
            came = self.first_handled.get(number)
            if came is not None and came - sent <= self.slack:
                continue
            if self._claimed_all_along(sent - 0.3, sent + self.slack):
                found.append((number, came and came - sent))
        return found

    def _claimed_all_along(self, start: float, end: float) -> bool:
        """Whether every answer was True, and none was missing as from a process that is dead."""
        around = [s for s in self.samples if start <= s.at <= end]
        times = [start, *(s.at for s in around), end]
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        return max(gaps) < NO_ANSWER and all(s.ping and s.alive for s in around)

    def spent(self) -> dict[str, float]:
        """CPU share, connection attempts and log lines of the consumer for a second of outage."""
        during = self._during()
        if len(during) < 2:
            return {}
        first, last = during[0], during[-1]
        seconds = last.at - first.at
        attempts = last.connects - first.connects if self.attempts is None else self.attempts
        return {
            "cpu": (last.cpu - first.cpu) / seconds,
            "attempts": attempts / (self.back - self.cut if self.attempts is not None else seconds),
            "lines": (last.lines - first.lines) / seconds,
        }

    def figures(self) -> dict[str, Any]:
        """What is published of it."""
        found: dict[str, Any] = {
            "flavour": self.flavour,
            "scenario": self.scenario,
            "confirmed": len(self.confirmed),
            "lost": len(self.lost),
            "repeated": self.repeated,
            "flows_after": self.flows_after,
            "unready_after": self.unready_after,
            "ready_after": self.ready_after,
            "outage": self.back - self.cut,
            "publish_errors": dict(self.publish_errors),
            "slowest_publish": self.slowest_publish,
            "stop_took": self.stop_took,
            **self.spent(),
        }
        return {k: round(v, 3) if isinstance(v, float) else v for k, v in found.items()}
