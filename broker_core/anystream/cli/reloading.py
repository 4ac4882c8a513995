"""Runs something in a child process, again each time that files change."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

ALWAYS = (".py", ".json", ".yaml", ".yml")


def run_reloaded(
    target: Callable[..., None],
    arguments: tuple[Any, ...],
    folders: Sequence[str],
    extensions: Sequence[str] = (),
) -> None:
    """Runs a function in a child process and starts it again when a file changes.

    Args:
        target: a function that can be imported.
        arguments: what it is called with.
        folders: the places to watch.
        extensions: endings of files to watch besides Python, JSON and YAML.

    Warns:
        ImportWarning: watchfiles is not installed; the function just runs.
    """
    try:
        from watchfiles import run_process
    except ImportError:
        warn_of_missing()
        target(*arguments)
        return
    watched = _filter((*ALWAYS, *extensions))
    run_process(*_existing(folders), target=target, args=arguments, watch_filter=watched)


def changes(
    folders: Sequence[str], extensions: Sequence[str], leaving: Event
) -> Iterator[set[str]]:
    """The names of files, each time that some have changed.

    Args:
        folders: the places to watch.
        extensions: endings of files to watch besides Python.
        leaving: ends it.

    Raises:
        ImportError: watchfiles is not installed.
    """
    from watchfiles import watch

    for found in watch(
        *_existing(folders),
        watch_filter=_filter(extensions),
        stop_event=leaving,
        raise_interrupt=False,
    ):
        yield {name for _, name in found}


def warn_of_missing() -> None:
    """Warns that nothing will be reloaded."""
    warnings.warn(
        'reloading needs watchfiles: pip install "anystream[cli]". It runs without',
        ImportWarning,
        stacklevel=3,
    )


def _filter(extensions: Sequence[str]) -> Any:
    from watchfiles import PythonFilter

    return PythonFilter(extra_extensions=tuple(f".{ending.lstrip('.')}" for ending in extensions))


def _existing(folders: Sequence[str]) -> list[str]:
    return [folder for folder in dict.fromkeys(folders) if Path(folder).is_dir()]
