"""Subjects: dotted names with the wildcards `*` (one token) and `>` (one or more to the end)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anystream.core.exceptions import PublishError, SetupError

_CACHED = 4096


def check_subject(subject: Any, *, wildcards: bool, owner: str) -> str:
    """Returns a valid subject.

    Args:
        subject: what was given.
        wildcards: whether `*` and `>` may stand in it.
        owner: who uses it, for the message.

    Raises:
        SetupError: (with wildcards) it is no subject.
        PublishError: (without) it is no subject, or names no single one.
    """
    kind = SetupError if wildcards else PublishError
    if not isinstance(subject, str) or not subject:
        raise kind(f"{owner}: a subject is a non-empty str, got {subject!r}")
    tokens = subject.split(".")
    if "" in tokens or any(char.isspace() for char in subject):
        raise kind(f"{owner}: {subject!r} is no subject: it has an empty part or white space")
    if not wildcards and ("*" in tokens or ">" in tokens):
        raise kind(f"{owner}: {subject!r} has a wildcard; publish to a single subject")
    if ">" in tokens[:-1]:
        raise kind(f"{owner}: in {subject!r} the wildcard '>' must be the last part")
    return subject


def check_destination(subject: Any, owner: str) -> str:
    """Returns a subject that something can be published to.

    Raises:
        SetupError: it is no subject, or has a wildcard.
    """
    try:
        return check_subject(subject, wildcards=False, owner=owner)
    except PublishError as error:
        raise SetupError(str(error)) from None


def matches(pattern: str, subject: str) -> bool:
    """Whether a pattern takes a subject."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, token in enumerate(wanted):
        if token == ">":
            return len(given) > position
        if position >= len(given) or token not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


class SubjectIndex:
    """Finds the entries whose patterns take a subject; the work does not grow with their number."""

    def __init__(self) -> None:
        self._exact: dict[str, list[Any]] = {}
        self._wild: list[tuple[str, Any]] = []
        self._found: dict[str, Sequence[Any]] = {}

    def add(self, pattern: str, entry: Any) -> None:
        """Adds an entry below a pattern."""
        tokens = pattern.split(".")
        if "*" in tokens or ">" in tokens:
            self._wild.append((pattern, entry))
        else:
            self._exact.setdefault(pattern, []).append(entry)
        self._found.clear()

    def remove(self, entry: Any) -> None:
        """Removes an entry everywhere."""
        self._wild = [item for item in self._wild if item[1] is not entry]
        for pattern, entries in list(self._exact.items()):
            if entry in entries:
                entries.remove(entry)
                if not entries:
                    del self._exact[pattern]
        self._found.clear()

    def find(self, subject: str) -> Sequence[Any]:
        """The entries that take a subject, each once, in order of their addition by kind."""
        found = self._found.get(subject)
        if found is None:
            wild = [entry for pattern, entry in self._wild if matches(pattern, subject)]
            unique: list[Any] = []
            for entry in (*self._exact.get(subject, ()), *wild):
                if entry not in unique:
                    unique.append(entry)
            if len(self._found) >= _CACHED:
                self._found.clear()
            found = self._found[subject] = tuple(unique)
        return found
