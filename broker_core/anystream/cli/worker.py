"""What a process does that a `Supervisor` started."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import Any

from anystream.cli.errors import UsageError
from anystream.cli.process import HANGUP, Settings, load, run
from anystream.cli.shown import show


def work(settings: Settings, worker_id: int | None, listeners: Any, up: Any) -> None:
    """Imports the application and runs it.

    Args:
        settings: what to run.
        worker_id: its number; None if it is the only one.
        up: the end of a pipe that gets a message when the application has started.
        listeners: the sockets that it shares with the others; None if it opens its own.

    Raises:
        SystemExit: the application is none (2), or it failed (1); the error has been shown.
    """
    _leave_keyboard_to_parent()
    try:
        app = load(settings)

        def started() -> None:
            with suppress(OSError):  # the parent is gone
                up.send_bytes(b"up")

        app.hooks["after_startup"].append(started)
        if listeners is not None:
            app.listeners = listeners
        run(settings, app, worker_id=worker_id, child=True)
    except Exception as error:
        show(error)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _leave_keyboard_to_parent() -> None:
    ignored = {signal.SIGINT, HANGUP} if HANGUP else {signal.SIGINT}
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ignored)
