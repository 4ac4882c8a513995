"""Options that come as text, such as from a command line, read by the annotation they are for."""

from __future__ import annotations

PLAIN = frozenset({"str", "int", "float", "None"})  # kinds that have one value
_OFF = frozenset({"", "0", "false", "no", "off"})


def kinds_of(annotation: str) -> set[str]:
    """The alternatives of an annotation: `int | None` is an int or None."""
    return {kind.strip() for kind in annotation.split("|")}


def is_on(text: str) -> bool:
    """Whether a text means that a switch is on."""
    return text.lower() not in _OFF
