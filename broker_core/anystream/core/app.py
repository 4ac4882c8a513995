"""The application: brokers, hooks, lifespan."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any, TypeVar

from fast_depends import Provider, dependency_provider, inject
from fast_depends.library.serializer import SerializerProto
from fast_depends.pydantic import PydanticSerializer
from pydantic import ValidationError
from typing_extensions import Self

from anystream.core.context import ContextRepo
from anystream.core.exceptions import SetupError
from anystream.core.forward_names import settle_names
from anystream.core.lifecycle import start_brokers, stop_brokers
from anystream.core.logging import app_logger
from anystream.core.sentinel import EMPTY

F = TypeVar("F", bound=Callable[..., Any])

HOOKS = ("on_startup", "after_startup", "on_shutdown", "after_shutdown")


@dataclass(eq=False, repr=False)
class AppConfig:
    """What the application gives to its brokers."""

    provider: Provider
    serializer: Any
    context: ContextRepo


class FastStream:
    """Starts and stops brokers, with hooks around.

    Order: lifespan in, `on_startup`, brokers, `after_startup`; then `on_shutdown`, brokers in
    reverse, `after_shutdown`, lifespan out.

    Args:
        *brokers: at least one, here or by `add_broker` before the start.
        logger: object with `.log()`; None for silence.
        provider: FastDepends' dependencies for brokers that have none of their own.
        serializer: for brokers that have none of their own.
        context: the context repository; brokers see its values, too.
        lifespan: async context manager function around everything.
        on_startup, after_startup, on_shutdown, after_shutdown: hooks, plain or async.
        specification: the AsyncAPI document factory; a default one when not given.
    """

    # False where somebody else, such as the command line, takes the signals and calls `exit()`
    handles_signals = True

    def __init__(
        self,
        *brokers: Any,
        logger: Any = EMPTY,
        provider: Provider | None = None,
        serializer: SerializerProto | None = EMPTY,
        context: ContextRepo | None = None,
        lifespan: Callable[..., Any] | None = None,
        on_startup: Sequence[Callable[..., Any]] = (),
        after_startup: Sequence[Callable[..., Any]] = (),
        on_shutdown: Sequence[Callable[..., Any]] = (),
        after_shutdown: Sequence[Callable[..., Any]] = (),
        specification: Any = None,
    ) -> None:
        self.context = context or ContextRepo()
        self.context.set_global("app", self)
        self.logger = app_logger() if logger is EMPTY else logger
        self.config = AppConfig(provider or dependency_provider, serializer, self.context)
        self.lifespan = lifespan
        self.hooks: dict[str, list[Callable[..., Any]]] = {
            "on_startup": list(on_startup),
            "after_startup": list(after_startup),
            "on_shutdown": list(on_shutdown),
            "after_shutdown": list(after_shutdown),
        }
        for func in (*chain(*self.hooks.values()), *([lifespan] if lifespan else [])):
            settle_names(func)
        self.specification = specification
        self.brokers: list[Any] = []
        self.should_exit = False
        self._exit: asyncio.Event | None = None
        for broker in brokers:
            self.add_broker(broker)

    @property
    def broker(self) -> Any:
        """The first broker, None if there is none."""
        return self.brokers[0] if self.brokers else None

    def add_broker(self, broker: Any) -> None:
        """Adds a broker.

        Raises:
            SetupError: it is no broker, or has been added already.
        """
        if not callable(getattr(broker, "start", None)) or isinstance(broker, type):
            raise SetupError(f"{broker!r} is no broker: pass an object such as NatsBroker()")
        if any(known is broker for known in self.brokers):
            raise SetupError(f"{broker!r} is already added to this application")
        self.brokers.append(broker)
        if hasattr(broker, "adopt"):
            broker.adopt(self)
        if self.specification is not None:
            self.specification.add_broker(broker)

    def set_broker(self, broker: Any) -> None:
        """Deprecated: use `add_broker`."""
        import warnings

        warnings.warn("use `add_broker` instead of `set_broker`", DeprecationWarning, stacklevel=2)
        self.add_broker(broker)

    @property
    def schema(self) -> Any:
        """The AsyncAPI document factory with all brokers."""
        if self.specification is None:
            from anystream.specification import AsyncAPI

            self.specification = AsyncAPI()
        for broker in self.brokers:
            self.specification.add_broker(broker)
        return self.specification

    def _hook(self, name: str, func: F) -> F:
        if not callable(func):
            raise SetupError(f"a hook must be a function, got {func!r}")
        settle_names(func)
        self.hooks[name].append(func)
        return func

    def on_startup(self, func: F) -> F:
        """Registers a hook that runs before the brokers start; gets the extra options."""
        return self._hook("on_startup", func)

    def after_startup(self, func: F) -> F:
        """Registers a hook that runs when the brokers have started."""
        return self._hook("after_startup", func)

    def on_shutdown(self, func: F) -> F:
        """Registers a hook that runs before the brokers stop."""
        return self._hook("on_shutdown", func)

    def after_shutdown(self, func: F) -> F:
        """Registers a hook that runs when the brokers have stopped."""
        return self._hook("after_shutdown", func)

    def as_asgi(self, asgi_routes: Sequence[Any] = (), asyncapi_path: Any = None) -> Any:
        """An `AsgiFastStream` that shares brokers, hooks, context and specification with this.

        Args:
            asgi_routes: pairs of a path and an ASGI callable.
            asyncapi_path: where the AsyncAPI document is served.
        """
        # by name: the core knows no HTTP, and runs without that layer
        asgi = import_module("anystream.asgi")
        return asgi.AsgiFastStream.from_app(self, asgi_routes, asyncapi_path)

    def _inject(self, func: Callable[..., Any]) -> Callable[..., Any]:
        serializer = self.config.serializer
        if serializer is EMPTY or type(serializer) is PydanticSerializer:
            # pydantic's own errors are what StartupValidationError is made of
            config = getattr(serializer, "config", None)
            serializer = PydanticSerializer(config, use_fastdepends_errors=False)
        return inject(
            func,
            dependency_provider=self.config.provider,
            serializer_cls=serializer,
            context__=self.context,
        )

    async def run_hooks(self, name: str, /, **extra: Any) -> None:
        """Runs the hooks of one name, in order; plain functions run in a thread.

        Args:
            name: `on_startup`, `after_startup`, `on_shutdown` or `after_shutdown`.
            **extra: options for hooks that ask for them by name.

        Raises:
            StartupValidationError: an `on_startup` hook refuses the extra options.
        """
        from anystream.core.hooks import call_hook, refused_options

        for hook in self.hooks[name]:
            try:
                await call_hook(self._inject, hook, extra)
            except ValidationError as error:
                refused = refused_options(error, hook) if name == "on_startup" else None
                if refused is None:
                    raise
                raise refused from error

    @asynccontextmanager
    async def lifespan_scope(self, **extra: Any) -> AsyncIterator[Any]:
        """The user's lifespan, or nothing."""
        if self.lifespan is None:
            yield None
            return
        from anystream.core.hooks import enter_lifespan

        async with await enter_lifespan(self._inject, self.lifespan, extra) as state:
            yield state

    def _need_broker(self) -> None:
        if not self.brokers:
            raise SetupError(
                "You should setup a broker: pass it to the application or call `add_broker`"
            )

    async def start(self, **extra: Any) -> None:
        """Hooks and brokers, without lifespan and signals; undone as a whole when one fails."""
        self._need_broker()
        await self.run_hooks("on_startup", **extra)
        started: list[Any] = []
        try:
            await start_brokers(self.brokers, logger=self.logger)
            started = self.brokers
            await self.run_hooks("after_startup")
        except BaseException:
            # what `on_startup` opened, the shutdown hooks close
            with suppress(Exception):
                await self._stop(started)
            raise

    async def stop(self) -> None:
        """Hooks and brokers in reverse; each is reached whatever the others raise.

        Raises:
            Exception: what the first failing hook raised, when everything is stopped.
        """
        await self._stop(self.brokers)

    async def _stop(self, brokers: Sequence[Any]) -> None:
        try:
            await self.run_hooks("on_shutdown")
        finally:
            try:
                await stop_brokers(brokers, logger=self.logger)
            finally:
                await self.run_hooks("after_shutdown")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def exit(self) -> None:
        """Ends `run()`; may be called from handlers and hooks."""
        self.should_exit = True
        if self._exit is not None:
            self._exit.set()

    def _say(self, level: int, text: str) -> None:
        if self.logger is not None:
            self.logger.log(level, text)

    async def run(
        self,
        log_level: int = logging.INFO,
        run_extra_options: dict[str, Any] | None = None,
        sleep_time: float = 0.1,
    ) -> None:
        """Runs until SIGINT, SIGTERM or `exit()`.

        Args:
            log_level: level of the lines about start and stop.
            run_extra_options: for the lifespan and the `on_startup` hooks.
            sleep_time: kept for compatibility; ending needs no polling here.
        """
        self._need_broker()
        if self.should_exit and self._exit is None:
            self.should_exit = False  # this one was meant; the next one runs
            return
        self.should_exit = False
        self._exit = asyncio.Event()
        extra = run_extra_options or {}
        with signals_call(self.exit) if self.handles_signals else nullcontext():
            async with self.lifespan_scope(**extra):
                self._say(log_level, "FastStream app starting...")
                if not await self._start_or_exit(self.start(**extra)):
                    return
                self._say(log_level, "FastStream app started successfully! To exit, press CTRL+C")
                try:
                    await self._exit.wait()
                finally:
                    self._say(log_level, "FastStream app shutting down...")
                    await self.stop()
                    self._say(log_level, "FastStream app shut down gracefully.")

    async def _start_or_exit(self, start: Awaitable[None]) -> bool:
        """Starts; False when `exit()` came first, a start that hangs cannot keep us."""
        starting = asyncio.ensure_future(start)
        leaving = asyncio.ensure_future(self._exit.wait())  # type: ignore[union-attr]
        await asyncio.wait({starting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not starting.done():
            starting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await starting
            await stop_brokers(self.brokers, logger=self.logger)
            return False
        await starting
        return True


class signals_call:
    """Calls a function on SIGINT and SIGTERM for the length of a `with` block."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.restore: list[Callable[[], Any]] = []

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number) or signal.SIG_DFL
            try:
                loop.add_signal_handler(number, self.callback)
                # removing alone would leave Python's default, not what asyncio.run() had set
                self.restore.append(lambda n=number, o=before: signal.signal(n, o))  # type: ignore[misc]
                self.restore.append(lambda n=number: loop.remove_signal_handler(n))  # type: ignore[misc]
            except (NotImplementedError, RuntimeError, ValueError):
                # no main thread: signals are somebody else's; or a loop without them
                with suppress(ValueError):
                    old = signal.signal(number, lambda *_: self.callback())
                    self.restore.append(lambda n=number, o=old: signal.signal(n, o))  # type: ignore[misc]

    def __exit__(self, *_: object) -> None:
        for restore in reversed(self.restore):
            restore()
