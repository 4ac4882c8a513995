"""The journal: what happened inside the process under test, in order, readable from outside."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POLL = 0.01
SHOWN = 40


class ClauseBroken(Exception):
    """What was seen contradicts a clause; the text says what was seen."""


class Journal:
    """The writing end, inside the process under test.

    Args:
        folder: a folder that both processes can reach. It holds the journal, one JSON object for
            each line, and the flags, which are empty files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "journal.jsonl"

    def write(self, event: str, **details: Any) -> None:
        """Adds one event; safe from several processes and threads at once."""
        entry = {
            "event": event,
            "time": time.monotonic(),
            "pid": os.getpid(),
            "loop": running_loop_id(),
            "details": details,
        }
        line = json.dumps(entry, default=repr).encode() + b"\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def flag(self, name: str) -> bool:
        """Whether the judging process raised the flag `name`."""
        return (self.folder / f"{name}.flag").exists()

    async def wait_for_flag(self, name: str) -> None:
        """Returns once the flag `name` is raised."""
        while not self.flag(name):  # noqa: ASYNC110 - another process raises it
            await asyncio.sleep(POLL)


def running_loop_id() -> int | None:
    """Identifies the running event loop, or None outside of one."""
    try:
        return id(asyncio.get_running_loop())
    except RuntimeError:
        return None


@dataclass(frozen=True)
class Event:
    """One line of the journal."""

    event: str
    time: float
    pid: int
    loop: int | None
    details: dict[str, Any] = field(default_factory=dict)

    def fits(self, event: str, details: dict[str, Any]) -> bool:
        """Whether this is `event` with at least these details."""
        return self.event == event and all(
            self.details.get(name) == value for name, value in details.items()
        )


@dataclass(frozen=True)
class Timeline:
    """Events in the order in which they were written."""

    events: tuple[Event, ...]

    @classmethod
    def read(cls, folder: Path) -> Timeline:
        """Reads what has been written so far; an unfinished last line is left out."""
        path = folder / "journal.jsonl"
        if not path.exists():
            return cls(())
        lines = path.read_bytes().split(b"\n")[:-1]
        return cls(tuple(Event(**json.loads(line)) for line in lines))

    def all(self, event: str, **details: Any) -> tuple[Event, ...]:
        """Every event of that name with these details."""
        return tuple(entry for entry in self.events if entry.fits(event, details))

    def has(self, event: str, **details: Any) -> bool:
        """Whether the event happened."""
        return bool(self.all(event, **details))

    def first(self, event: str, **details: Any) -> Event:
        """The first such event; ClauseBroken when there is none."""
        return self._one(0, event, details)

    def last(self, event: str, **details: Any) -> Event:
        """The last such event; ClauseBroken when there is none."""
        return self._one(-1, event, details)

    def _one(self, index: int, event: str, details: dict[str, Any]) -> Event:
        found = self.all(event, **details)
        if not found:
            raise ClauseBroken(f"{_called(event, details)} never happened; journal: {self}")
        return found[index]

    def position(self, entry: Event) -> int:
        """Where in the order this event stands."""
        return self.events.index(entry)

    def expect_order(self, *steps: str | tuple[str, str]) -> None:
        """Raises ClauseBroken unless the steps all happened, each after the one before it.

        A step is an event, or a pair of an event and the name of a broker.
        """
        previous: Event | None = None
        for step in steps:
            event, details = (step, {}) if isinstance(step, str) else (step[0], {"broker": step[1]})
            entry = self.first(event, **details)
            if previous is not None and self.position(entry) < self.position(previous):
                raise ClauseBroken(
                    f"{_called(event, details)} came before {previous.event}; journal: {self}"
                )
            previous = entry

    def workers(self) -> list[Timeline]:
        """One timeline for each process that did more than build the app; at least one."""
        found = []
        for pid in dict.fromkeys(entry.pid for entry in self.events):
            own = tuple(entry for entry in self.events if entry.pid == pid)
            if any(not entry.event.startswith("setup.") for entry in own):
                found.append(Timeline(own))
        if not found:
            raise ClauseBroken(f"no process got to its start hooks; journal: {self}")
        return found

    def first_worker(self, event: str) -> Timeline:
        """The timeline of the process in which the event happened first.

        After one worker's failure some servers kill the others at once.
        """
        pid = self.first(event).pid
        return Timeline(tuple(entry for entry in self.events if entry.pid == pid))

    def __str__(self) -> str:
        shown = [entry for entry in self.events if entry.event != "probe.flood"][-SHOWN:]
        return " > ".join(_called(entry.event, entry.details) for entry in shown) or "-"


def _called(event: str, details: dict[str, Any]) -> str:
    broker = details.get("broker")
    return f"{event}({broker})" if broker else event


def demand(condition: object, text: str) -> None:
    """Raises ClauseBroken with `text` unless the condition holds."""
    if not condition:
        raise ClauseBroken(text)


def demand_equal(seen: object, wanted: object, what: str) -> None:
    """Raises ClauseBroken unless both are equal; `what` names the thing compared."""
    if seen != wanted:
        raise ClauseBroken(f"{what}: {seen!r} was seen where {wanted!r} was wanted")
