"""Runs an application in this process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from anystream.cli.errors import UsageError
from anystream.cli.importing import import_object
from anystream.core.exceptions import SetupError, StopApplication

HANGUP = getattr(signal, "SIGHUP", None)  # not on Windows


@dataclass
class Settings:
    """What `anystream run` was told."""

    app: str
    app_dir: str = "."
    factory: bool = False
    loop: str = "auto"
    log_level: int | None = None
    log_config: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def load(settings: Settings) -> Any:
    """Imports the application and sets its logging.

    Raises:
        UsageError: the object is no application.
    """
    if settings.log_config:
        from anystream.cli.logs import configure

        configure(settings.log_config)
    app = import_object(settings.app, app_dir=settings.app_dir, factory=settings.factory)
    if not callable(getattr(app, "run", None)) or not hasattr(app, "run_hooks"):
        raise UsageError(
            f"{settings.app} is {app!r}, which is no application: make a FastStream(broker) or "
            "AsgiFastStream(broker) of it; a function that makes one is called with --factory; an "
            "application of an HTTP framework is run by its own server"
        )
    if settings.log_level is not None:
        from anystream.cli.logs import set_level

        set_level(app, settings.log_level)
    return app


def run(settings: Settings, app: Any, *, worker_id: int | None = None, child: bool = False) -> None:
    """Runs until a signal or `app.exit()` ends it.

    The first SIGINT, SIGTERM or SIGHUP stops the application when the messages in hand are done;
    a second one ends the process at once, with 128 + the signal's number. A child heeds SIGTERM
    only, and once: what is typed at a terminal, and the end at once, are its parent's business.

    Args:
        settings: what to run.
        app: what `load` returned for them.
        worker_id: the number of this process among several.
        child: it was started by a `Supervisor`.
    """
    options = {**settings.extra, "worker_id": worker_id}
    if settings.extra and not worker_id:
        from anystream.cli.unread import unread_options

        for line in unread_options(app, settings.extra):
            print(line, file=sys.stderr)
    serves = hasattr(app, "open_listeners")
    if serves and settings.log_config:
        options["log_config"] = None  # uvicorn's own would be put over the user's
    level = logging.INFO if settings.log_level is None else settings.log_level
    if not serves:
        level = logging.DEBUG if child else logging.INFO
    app.handles_signals = False

    async def main() -> None:
        stopping = _Stop(app)
        stopping.listen(child=child)
        try:
            await app.run(log_level=level, run_extra_options=options)
        finally:
            stopping.restore()

    factory = loop_factory(settings.loop)
    work = main()
    try:
        with suppress(StopApplication):
            _run_in(factory, work)
    finally:
        work.close()  # Python complains of one that never ran


class _Stop:
    """The reaction to signals, for the length of a run."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.asked = False
        self.loop = asyncio.get_running_loop()
        self.before: dict[int, Any] = {}
        self.parent: Any = None

    def listen(self, *, child: bool) -> None:
        heeded = [signal.SIGTERM] if child else [signal.SIGTERM, signal.SIGINT]
        if not child and HANGUP and signal.getsignal(HANGUP) is not signal.SIG_IGN:  # nohup
            heeded.append(HANGUP)
        for number in heeded:
            self.before[number] = signal.signal(number, self._heard)
        if child:
            from multiprocessing import parent_process

            self.parent = parent = parent_process()
            if parent is not None and sys.platform != "win32":
                self.loop.add_reader(parent.sentinel, self._orphaned, parent.sentinel)

    def restore(self) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _heard(self, number: int, _: Any) -> None:
        if self.asked:
            # systemd tells all processes, and the parent tells its own once more: no second thought
            if self.parent is None or not self.parent.is_alive():
                leave_at_once(128 + number, self.app)
            return
        self.asked = True
        self.loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        # an ASGI server would wait for a start that hangs
        getattr(self.app, "abandon_start", self.app.exit)()

    def _orphaned(self, sentinel: int) -> None:
        """The parent was killed: nobody would stop this worker, or see it die."""
        self.loop.remove_reader(sentinel)
        self.asked = True
        self._leave()


def leave_at_once(code: int, app: Any = None) -> None:
    """Ends the process without waiting for anything; what is in hand was not acknowledged."""
    listeners = getattr(app, "listeners", None)
    if listeners is not None:
        listeners.close()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the event loop.

    Args:
        name: `auto`, `asyncio`, `uvloop` or `module:factory`.

    Raises:
        UsageError: there is no such thing.
        SetupError: it makes no event loop.
    """
    if name in ("auto", "uvloop"):
        try:
            import uvloop
        except ImportError:
            if name == "uvloop":
                raise UsageError("--loop uvloop: it is not installed: pip install uvloop") from None
            return asyncio.new_event_loop
        return cast("Callable[[], asyncio.AbstractEventLoop]", uvloop.new_event_loop)
    if name == "asyncio":
        return asyncio.new_event_loop
    try:
        found = import_object(name)
    except UsageError as error:
        raise UsageError(f"--loop: {error}; or pass auto, asyncio or uvloop") from error
    if not callable(found):
        raise SetupError(f"--loop {name}: {found!r} makes no event loop, it cannot be called")

    def make() -> asyncio.AbstractEventLoop:
        loop = found()
        if not isinstance(loop, asyncio.AbstractEventLoop):
            raise SetupError(f"--loop {name}: {loop!r} is no event loop")
        return loop

    return make


def _run_in(
    factory: Callable[[], asyncio.AbstractEventLoop], work: Coroutine[Any, Any, None]
) -> None:
    if sys.version_info >= (3, 11):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(work)
        return
    loop = factory()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()
