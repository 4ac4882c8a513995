"""Shows errors the way the user needs them: of his code, not of ours."""

from __future__ import annotations

import os
import sys
from types import TracebackType

from pydantic import ValidationError

import anystream
from anystream.core.exceptions import FastStreamException, StartupValidationError

OURS = tuple(f"{folder}{os.sep}" for folder in anystream.__path__)
STDLIB = os.path.dirname(os.__file__) + os.sep
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
# between us and what the user wrote
BETWEEN = ("anyio", "click", "fast_depends", "pydantic", "typer", "uvicorn", "uvloop")


def show(error: BaseException) -> None:
    """Writes an error to standard error: a line if the error says it all, else its traceback.

    The traceback begins in the first file that is the user's.
    """
    trace = users_part(error.__traceback__)
    # pydantic's own, when none of the user's code ran: the lifespan refuses the options
    refused_by_lifespan = isinstance(error, ValidationError) and trace is None
    if refused_by_lifespan or isinstance(error, StartupValidationError):
        for line in _refused_options(error):
            print(f"Error: {line}", file=sys.stderr)
        return
    if isinstance(error, FastStreamException):
        print(f"Error: {error}", file=sys.stderr)
        return
    import traceback

    if trace is None and not isinstance(error, SyntaxError):
        if _says_it_all(error):
            print(f"Error: {error}", file=sys.stderr)
            return
        trace = error.__traceback__
    traceback.print_exception(type(error), error, trace)


def users_part(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback from the user's first line on; None if there is none."""
    while trace is not None:
        if not _leads_to_user(trace.tb_frame.f_code.co_filename):
            return trace
        trace = trace.tb_next
    return None


def _leads_to_user(file: str) -> bool:
    if file.startswith((*OURS, "<frozen ", "uvloop/")):
        return True
    place = next((place for place in INSTALLED if place in file), None)
    if place is None:
        return file.startswith(STDLIB)
    return file.partition(place)[2].split(os.sep)[0] in BETWEEN


def _says_it_all(error: BaseException) -> bool:
    if isinstance(error, ImportError) or getattr(error, "filename", None):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_by_us = trace is not None and trace.tb_frame.f_code.co_filename.startswith(OURS)
    return raised_by_us and isinstance(error, (OSError, ValueError))


def _refused_options(error: BaseException) -> list[str]:
    """One line for each option: what is wrong with it, and what was given."""
    if isinstance(error, StartupValidationError) and isinstance(error.__cause__, ValidationError):
        error = error.__cause__
    lines: dict[str, str] = {}
    if isinstance(error, ValidationError):
        for found in error.errors():
            wrong = f"wrong type: {found['msg']}, given {found['input']!r}"
            lines[".".join(map(str, found["loc"][:1]))] = (
                "missing" if found["type"] == "missing" else wrong
            )
    elif isinstance(error, StartupValidationError):
        lines = dict.fromkeys(error.missed_fields, "missing")
        lines |= dict.fromkeys(error.invalid_fields, "wrong type")
    return [f"--{name.replace('_', '-')}: {text}" for name, text in lines.items()]
