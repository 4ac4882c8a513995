"""Values that can be compared and hashed, whatever is nested in them."""

from __future__ import annotations

from typing import Any


def frozen(value: Any) -> Any:
    """The same value without dicts, lists and sets."""
    if isinstance(value, dict):
        return frozenset((key, frozen(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(frozen(item) for item in value)
    if isinstance(value, set):
        return frozenset(frozen(item) for item in value)
    return value
