"""Shows errors the way the user needs them: of his code, not of ours."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

from anystream.core.exceptions import FastStreamException, StartupValidationError

OURS = str(Path(__file__).resolve().parent.parent)


def show(error: BaseException) -> None:
    """Writes an error to standard error: a line if the error says it all, else its traceback.

    The traceback begins in the first file that is not ours.
    """
    if isinstance(error, StartupValidationError):
        for problem, names in (
            ("missing", error.missed_fields),
            ("wrong type", error.invalid_fields),
        ):
            for name in names:
                print(f"Error: --{name.replace('_', '-')}: {problem}", file=sys.stderr)
        return
    if isinstance(error, FastStreamException):
        print(f"Error: {error}", file=sys.stderr)
        return
    import traceback

    trimmed = users_part(error.__traceback__)
    if trimmed is None and isinstance(error, (OSError, ImportError)):
        print(f"Error: {error}", file=sys.stderr)
        return
    traceback.print_exception(type(error), error, trimmed)


def users_part(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback from the user's first line on; None if there is none."""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        inner = file.startswith((OURS, "<frozen ")) or "/asyncio/" in file
        if not inner and not file.endswith(("/importlib/__init__.py", "/multiprocessing/spawn.py")):
            return trace
        trace = trace.tb_next
    return None
