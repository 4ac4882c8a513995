"""Finds out which connections are dead though nobody has closed them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anystream.redis.line import Line

TICK = 1.0
ASK_AFTER = 2  # ticks of silence


class Watch:
    """Looks once a second at the lines that wait for an answer.

    Silence is counted in looks, not in seconds: while a handler blocks the loop nobody looks, so
    a line is not called dead for answers that nobody could read.

    Args:
        patience: seconds that an answer may take.
    """

    def __init__(self, patience: float) -> None:
        self.patience = max(1, round(patience / TICK))
        self._lines: set[Line] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, line: Line) -> None:
        """Watches a line from now on."""
        self._lines.add(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._look)

    def remove(self, line: Line) -> None:
        """Forgets a line."""
        self._lines.discard(line)

    def stop(self) -> None:
        """Forgets all lines."""
        self._lines.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        for line in tuple(self._lines):
            self._look_at(line)
        self._timer = None
        if self._lines:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._look)

    def _look_at(self, line: Line) -> None:
        if not line.waiting or line.turn != line.seen_turn:
            line.seen_turn, line.silent = line.turn, 0
            return
        line.silent += 1
        if line.silent > self.patience + line.may_be_silent:
            line.abort(f"no answer in {line.silent * TICK:.0f} seconds")
        elif line.listens and line.silent == line.may_be_silent:
            line.poke()
