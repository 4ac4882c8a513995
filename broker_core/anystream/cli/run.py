"""`anystream run`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

from anystream.cli.errors import UsageError
from anystream.cli.options import RUN
from anystream.cli.parsing import Arguments, read_arguments
from anystream.cli.process import Settings, load, loop_factory, run
from anystream.core.exceptions import SetupError

NAME = "APP"


def run_command(words: Sequence[str]) -> int:
    """Runs an application.

    Args:
        words: the arguments as they were typed.

    Returns:
        The exit code: 0 after a stop that a signal or `app.exit()` asked for.

    Raises:
        UsageError: the arguments cannot be.
        SetupError: `--reload` with several workers.
        Exception: what the application raised.
    """
    arguments = read_arguments(words, RUN)
    if len(arguments.positional) != 1:
        given = ", ".join(arguments.positional) or "none"
        raise UsageError(f"name one application, such as main:app; given: {given}")
    values = arguments.values
    settings = settings_of(arguments)
    if values["workers"] < 1:
        raise UsageError(f"--workers={values['workers']}: at least 1")
    if not values["stop_timeout"] >= 0:
        raise UsageError(f"--stop-timeout={values['stop_timeout']}: seconds, not less than 0")
    if values["extension"] and not values["reload"]:
        print("--extension says which other files are watched by --reload.", file=sys.stderr)
        print("Without --reload it does nothing.", file=sys.stderr)
    if values["reload"] and values["workers"] > 1:
        raise SetupError("--reload is for one worker: leave out --workers")
    if values["reload"] and _can_watch():
        return _run_reloaded(settings, values)
    app = load(settings)
    if values["workers"] > 1:
        loop_factory(settings.loop)  # a wrong one is no reason to start workers again and again
        return _run_workers(settings, app, values)
    run(settings, app)
    return 0


def settings_of(arguments: Arguments) -> Settings:
    """What the process that runs the application needs of the arguments."""
    values = arguments.values
    return Settings(
        app=arguments.positional[0],
        app_dir=values["app_dir"],
        factory=values["factory"],
        loop=values["loop"],
        log_level=values["log_level"],
        log_config=values["log_config"],
        extra=arguments.extra,
    )


def _run_workers(settings: Settings, app: Any, values: dict[str, Any]) -> int:
    from anystream.cli.supervisor import Supervisor
    from anystream.cli.worker import work

    if not app.brokers and not hasattr(app, "hosted"):
        raise SetupError("You should setup a broker: pass it to the application")
    listeners = app.open_listeners(settings.extra) if hasattr(app, "open_listeners") else None
    try:
        supervisor = Supervisor(
            work,
            lambda number: (settings, number, listeners),
            count=values["workers"],
            stop_timeout=values["stop_timeout"],
        )
        return supervisor.run()
    finally:
        if listeners is not None:
            listeners.close()


def _run_reloaded(settings: Settings, values: dict[str, Any]) -> int:
    from anystream.cli.reloading import changes
    from anystream.cli.supervisor import Supervisor
    from anystream.cli.worker import work

    supervisor = Supervisor(
        work,
        lambda _: (settings, None, None),
        count=1,
        stop_timeout=values["stop_timeout"],
        restarts=False,
        name="reloader",
    )
    folders = _folders(settings)
    supervisor.logger.info("Will watch for changes in these directories: %s", folders)
    leaving = Event()

    def watch() -> None:
        for names in changes(folders, values["extension"], leaving):
            supervisor.change(names)

    watcher = Thread(target=watch, name="anystream reloader", daemon=True)
    watcher.start()
    try:
        return supervisor.run()
    finally:
        leaving.set()
        watcher.join(5)


def _folders(settings: Settings) -> list[str]:
    module = settings.app.partition(":")[0].split(".")
    base = Path(settings.app_dir).resolve()
    found = base.joinpath(*module)
    home = found if found.is_dir() else found.parent
    folders = [home if home.is_dir() else Path.cwd()]
    if settings.app_dir != ".":
        folders.append(base)
    return [str(folder) for folder in dict.fromkeys(folders)]


def _can_watch() -> bool:
    from importlib.util import find_spec

    if find_spec("watchfiles") is not None:
        return True
    from anystream.cli.reloading import warn_of_missing

    warn_of_missing()
    print('Nothing is reloaded: pip install "anystream[cli]".', file=sys.stderr)
    return False
