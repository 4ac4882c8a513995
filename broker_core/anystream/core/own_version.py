"""The installed version of anystream, as servers are told."""

from __future__ import annotations

from functools import cache


@cache
def own_version() -> str:
    """The version of the installed distribution; "0" when it runs from its sources."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    try:
        return version("anystream")
    except PackageNotFoundError:
        return "0"
