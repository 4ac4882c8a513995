"""`anystream version` and `anystream --version`."""

from __future__ import annotations


def version_line() -> str:
    """The versions of anystream and Python, and the system."""
    import platform

    from anystream.core.own_version import own_version

    return (
        f"Running anystream {own_version()} with {platform.python_implementation()} "
        f"{platform.python_version()} on {platform.system()}"
    )
