"""Ids of stream entries: `milliseconds-number`."""

from __future__ import annotations

_LAST = 2**64 - 1


def parts_of(entry: bytes | str) -> tuple[int, int]:
    """The two numbers of an id, for comparing."""
    text = entry.decode() if isinstance(entry, bytes) else entry
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number or 0)


def before(entry: bytes | str) -> str:
    """The id right before one."""
    milliseconds, number = parts_of(entry)
    if number:
        return f"{milliseconds}-{number - 1}"
    return f"{milliseconds - 1}-{_LAST}" if milliseconds else "0-0"
