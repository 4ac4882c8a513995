"""Mistakes on the command line."""

from __future__ import annotations

from anystream.core.exceptions import FastStreamException


class UsageError(FastStreamException):
    """The command was called in a way that cannot work; it ends with exit code 2."""
