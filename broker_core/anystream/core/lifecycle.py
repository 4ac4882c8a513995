"""Starting and stopping brokers: all or nothing at the start, bounded at the stop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

from anystream.core.exceptions import (
    FastStreamException,
    IncorrectState,
    SetupError,
    StartTimeout,
)

logger = logging.getLogger("anystream.hosting")

ROLLBACK_TIMEOUT = 10.0
CANCEL_GRACE = 1.0


class BrokerLike(Protocol):
    """All that is asked of a broker; `connect()` as well where `consume=False` is used."""

    async def start(self) -> Any: ...

    async def stop(self) -> Any: ...

    async def ping(self, timeout: Any, /) -> Any: ...


async def start_brokers(
    brokers: Iterable[Any],
    *,
    consume: bool = True,
    timeout: float | None = None,
    rollback_timeout: float | None = ROLLBACK_TIMEOUT,
    logger: Any = logger,
) -> None:
    """Starts brokers one after the other; if one fails, stops those that were begun.

    Args:
        brokers: the brokers, in the order of their start.
        consume: `False` connects them only (`connect()`), so that they can publish.
        timeout: seconds that each broker may take; `None` waits for ever.
        rollback_timeout: seconds that each broker may take to stop after a failure.
        logger: where failures of the rollback are written.

    Raises:
        StartTimeout: a broker took longer than `timeout`.
        Exception: whatever a broker raised, unchanged, after the rollback.
    """
    queue = list(brokers)
    begun: list[Any] = []
    try:
        for number, broker in enumerate(queue, 1):
            begun.append(broker)
            await _start(broker, _name(broker, number, len(queue)), consume, timeout)
    except BaseException:
        await _stop_all(begun, rollback_timeout, logger)
        raise


async def stop_brokers(
    brokers: Iterable[Any],
    *,
    timeout: float | None = None,
    logger: Any = logger,
) -> None:
    """Stops brokers in reversed order; failures are logged, never raised.

    A cancellation that arrives meanwhile is raised again when all brokers were stopped.

    Args:
        brokers: the brokers, in the order of their start.
        timeout: seconds that each broker may take; `None` waits for ever.
        logger: where failures are written.
    """
    interrupted = await _stop_all(list(brokers), timeout, logger)
    if interrupted is not None:
        raise interrupted


class Lifecycle:
    """Keeps one stream running between `start()` and `stop()`.

    For an application the order is: its lifespan is entered, `on_startup`, the brokers,
    `after_startup`; and then `on_shutdown`, the brokers reversed, `after_shutdown`, its lifespan
    is left. Once `on_startup` is through, a failing start runs the shutdown hooks too.

    All of it happens in one task of its own, so that a lifespan is left where it was entered, and
    a cancelled caller cannot leave half of it behind.

    Args:
        stream: a FastStream application or a broker.
        consume: `False` connects the brokers only, for a process that just publishes.
        start_timeout: seconds that each broker may take to start; `None` waits for ever.
        stop_timeout: seconds that each broker may take to stop; `None` waits for ever.
    """

    def __init__(
        self,
        stream: Any,
        *,
        consume: bool = True,
        start_timeout: float | None = 30.0,
        stop_timeout: float | None = 10.0,
        logger: Any = logger,
    ) -> None:
        self.stream = stream
        self.consume = consume
        self.start_timeout = start_timeout
        self.stop_timeout = stop_timeout
        self.logger = logger
        self._run: _Run | None = None

    @property
    def brokers(self) -> list[Any]:
        """The brokers, in the order of their start."""
        return list(self.stream.brokers) if hasattr(self.stream, "brokers") else [self.stream]

    @property
    def running(self) -> bool:
        """Whether the start is complete and no stop was asked for."""
        run = self._run
        return run is not None and run.up and run.pid == os.getpid() and not run.loop.is_closed()

    async def start(self, **extra: Any) -> None:
        """Starts everything; returns at once if that was done, waits if it is being done.

        Args:
            extra: options for the application's lifespan and its `on_startup` hooks.

        Raises:
            SetupError: the application has no broker.
            StartTimeout: a broker took longer than `start_timeout`.
            Exception: what a hook or a broker raised, unchanged; nothing is left running then.
        """
        while (run := self._current()) is not None and run.stopping.is_set():
            await asyncio.wait({run.task})
        if run is None:
            run = self._run = _Run(lambda: self._scope(extra), self.logger)
        await run.wait_started()

    async def stop(self) -> None:
        """Stops everything that runs; does not raise, failures are logged.

        A cancellation cuts the user's hooks short, not the brokers, and is raised at the end.
        """
        run = self._current()
        if run is not None:
            await run.stop()

    def _current(self) -> _Run | None:
        run = self._run
        if run is None or run.task.done() or run.pid != os.getpid():
            return None
        return run if run.loop is asyncio.get_running_loop() else None

    def _scope(self, extra: dict[str, Any]) -> AbstractAsyncContextManager[None]:
        if not self.brokers:
            raise SetupError(
                f"{getattr(self.stream, 'of', type(self.stream)).__name__} has no broker to start. "
                "Pass one when it is made, or to `add_broker(...)`."
            )
        if hasattr(self.stream, "run_hooks"):
            return self._application(extra)
        return self._foreign(extra)

    @asynccontextmanager
    async def _application(self, extra: dict[str, Any]) -> AsyncIterator[None]:
        app = self.stream
        async with app.lifespan_scope(**extra):
            await app.run_hooks("on_startup", **extra)
            started: list[Any] = []
            try:
                await self._start(self.brokers)
                started = self.brokers
                await app.run_hooks("after_startup")
                yield
            finally:
                await self._shutdown_hooks("on_shutdown")
                await _stop_all(started, self.stop_timeout, self.logger)
                await self._shutdown_hooks("after_shutdown")

    @asynccontextmanager
    async def _foreign(self, extra: dict[str, Any]) -> AsyncIterator[None]:
        """A bare broker, or an application that knows only start and stop."""
        lifespan = getattr(self.stream, "lifespan_context", None)
        targets = [self.stream] if self.consume else self.brokers
        async with nullcontext() if lifespan is None else lifespan(**extra):
            await self._start(targets)
            yield
            await _stop_all(targets, self.stop_timeout, self.logger)

    async def _start(self, brokers: Sequence[Any]) -> None:
        await start_brokers(
            brokers,
            consume=self.consume,
            timeout=self.start_timeout,
            rollback_timeout=self.stop_timeout,
            logger=self.logger,
        )

    async def _shutdown_hooks(self, name: str) -> None:
        try:
            await self.stream.run_hooks(name)
        except (Exception, asyncio.CancelledError, SystemExit) as error:
            _report(self.logger, f"A hook of `{name}` failed; the shutdown goes on", error)


class _Run:
    """One period between a start and a stop, with the task that lives through it."""

    def __init__(self, scope: Callable[[], AbstractAsyncContextManager[None]], logger: Any) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.get_running_loop()
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()
        self.up = False
        self.error: BaseException | None = None
        self.waiters = 0
        self.logger = logger
        self.task = self.loop.create_task(self._live(scope), name="anystream lifecycle")
        self.task.add_done_callback(self._ended)

    async def wait_started(self) -> None:
        self.waiters += 1
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            if self.waiters == 1 and not self.task.done():
                self.task.cancel()
                await _finish(self.task, None)
            raise
        finally:
            self.waiters -= 1
        if self.error is not None:
            raise self.error

    async def stop(self) -> None:
        self.stopping.set()
        starting = not self.ready.is_set()
        self.up = False
        if starting:
            self.task.cancel()
        interrupted = await _finish(self.task, None, pass_on=True)
        if interrupted is not None:
            raise interrupted

    async def _live(self, scope: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        try:
            async with scope():
                self.up = True
                self.ready.set()
                await self._until_stop()
                self.up = False
        except BaseException as error:
            self._failed(error)
        finally:
            self.up = False

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Also for a task that was cancelled before its first step."""
        if task.cancelled():
            self._failed(asyncio.CancelledError())
        self.stopping.set()
        self.ready.set()

    async def _until_stop(self) -> None:
        try:
            await self.stopping.wait()
        except asyncio.CancelledError:
            self.stopping.set()

    def _failed(self, error: BaseException) -> None:
        if self.ready.is_set():
            _report(self.logger, "The stop of the application failed half-way", error)
        elif isinstance(error, asyncio.CancelledError):
            self.error = IncorrectState("The application was stopped while it was starting.")
        else:
            self.error = error


async def _start(broker: Any, name: str, consume: bool, timeout: float | None) -> None:
    task = asyncio.ensure_future(_outcome(broker.start if consume else _connect(broker)))
    try:
        await asyncio.wait({task}, timeout=timeout)
    except asyncio.CancelledError:
        task.cancel()
        await _finish(task, CANCEL_GRACE)
        raise
    if not task.done():
        task.cancel()
        await _finish(task, CANCEL_GRACE)
        raise StartTimeout(
            f"{name} did not start within {timeout:g} s. Is its server reachable at the address "
            "the broker was given? A server that is slow needs a larger `start_timeout`."
        )
    if task.cancelled():
        raise FastStreamException(f"The start of {name} was cancelled from inside.")
    error = task.result()
    if isinstance(error, asyncio.CancelledError):
        raise FastStreamException(f"The start of {name} was cancelled from inside.") from error
    if error is not None:
        raise error


def _connect(broker: Any) -> Callable[[], Awaitable[Any]]:
    connect: Callable[[], Awaitable[Any]] | None = getattr(broker, "connect", None)
    if connect is None:
        raise SetupError(
            f"{type(broker).__name__} has no `connect()`, which `consume=False` needs. "
            "Leave `consume` out, or use a broker that can connect without consuming."
        )
    return connect


async def _stop_all(
    brokers: Sequence[Any], timeout: float | None, logger: Any
) -> asyncio.CancelledError | None:
    interrupted = None
    for number in range(len(brokers), 0, -1):
        broker = brokers[number - 1]
        name = _name(broker, number, len(brokers))
        interrupted = await _stop(broker, name, timeout, logger) or interrupted
    return interrupted


async def _stop(
    broker: Any, name: str, timeout: float | None, logger: Any
) -> asyncio.CancelledError | None:
    task = asyncio.ensure_future(_outcome(broker.stop))
    interrupted = await _finish(task, timeout)
    if not task.done():
        task.cancel()
        await _finish(task, CANCEL_GRACE)
        _report(logger, f"{name} did not stop within {timeout:g} s and was given up", None)
    elif task.cancelled():
        _report(logger, f"The stop of {name} was cancelled", None)
    elif (error := task.result()) is not None:
        _report(logger, f"{name} failed to stop", error)
    return interrupted


async def _outcome(call: Callable[[], Awaitable[Any]]) -> BaseException | None:
    """Errors as values: a `SystemExit` inside a task would tear down the event loop."""
    try:
        await call()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return error
    return None


async def _finish(
    task: asyncio.Future[Any], seconds: float | None, *, pass_on: bool = False
) -> asyncio.CancelledError | None:
    """Waits for a task whatever happens to the waiting one; returns a cancellation, if one came."""
    loop = asyncio.get_running_loop()
    deadline = None if seconds is None else loop.time() + seconds
    interrupted = None
    while not task.done():
        left = None if deadline is None else deadline - loop.time()
        if left is not None and left <= 0:
            break
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError as error:
            interrupted = error
            if pass_on:
                task.cancel()
    return interrupted


def _name(broker: Any, number: int, total: int) -> str:
    kind = type(broker).__name__
    return kind if total == 1 else f"{kind} (number {number} of {total})"


def _report(logger: Any, text: str, error: BaseException | None) -> None:
    if logger is not None:
        logger.log(logging.ERROR, text, exc_info=error)
