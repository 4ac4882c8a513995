"""Names for error messages: which function, which file, which line."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any


def where(call: Callable[..., Any]) -> str:
    """Describes a function for a reader: `name` (file.py:12)."""
    function = inspect.unwrap(call)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    code = getattr(function, "__code__", None)
    if code is None:
        code = getattr(vars(type(function)).get("__call__"), "__code__", None)
    if code is None:
        return f"`{name}`"
    return f"`{name}` ({os.path.relpath(code.co_filename)}:{code.co_firstlineno})"


def call_name(call: Callable[..., Any]) -> str:
    """The short name of a function or of a callable object."""
    function = inspect.unwrap(call)
    return getattr(function, "__name__", None) or type(function).__name__
