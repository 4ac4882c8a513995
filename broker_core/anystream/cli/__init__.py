"""The command `anystream`.

`run`, `publish` and `version` need no more than the application does; help, completion and `docs`
need the extra: `pip install "anystream[cli]"`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

__all__ = ("main",)  # and `cli`, the Typer application, made when it is asked for


def main(words: Sequence[str] | None = None) -> None:
    """What the console script calls.

    Args:
        words: the arguments; those of the process if not given.

    Raises:
        SystemExit: always, with the exit code.
        ImportError: Typer is needed and not installed.
    """
    from anystream.cli.errors import UsageError

    words = sys.argv[1:] if words is None else list(words)
    try:
        code = _run(words)
    except UsageError as error:
        print(f"Error: {error}\nTry 'anystream --help'.", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        from anystream.cli.shown import show

        show(error)
        code = 1
    sys.exit(code)


def _run(words: list[str]) -> int:
    """Starting Typer takes longer than reading the arguments of what is started all the time."""
    import os

    name, rest = (words[0], words[1:]) if words else ("", [])
    if "--help" not in rest and "_ANYSTREAM_COMPLETE" not in os.environ:
        if name == "run":
            from anystream.cli.run import run_command

            return run_command(rest)
        if name == "publish":
            from anystream.cli.publish import publish_command

            return publish_command(rest)
        if words in (["version"], ["--version"], ["-v"]):
            from anystream.cli.version import version_line

            print(version_line())
            return 0
    _commands()(words, prog_name="anystream")
    return 0


def _commands() -> Any:
    try:
        import_module("typer")
    except ImportError as error:
        raise ImportError(
            "the command `anystream` needs Typer, which is not installed: "
            'pip install "anystream[cli]"'
        ) from error
    from anystream.cli.commands import cli

    return cli


def __getattr__(name: str) -> Any:
    if name == "cli":
        return _commands()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
