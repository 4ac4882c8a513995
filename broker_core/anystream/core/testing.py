"""Test mode: brokers without a server, applications without signals."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

from anystream.core.exceptions import SetupError
from anystream.core.recording import Recorder
from anystream.core.transport import Transport

if TYPE_CHECKING:
    from anystream.core.app import FastStream
    from anystream.core.broker import Broker

__test__ = False


class TestBroker:
    """Puts brokers into test mode for the length of an `async with` block.

    Inside, every publish is delivered at once, in the task that publishes, to all matching
    subscribers of all given brokers; exceptions of handlers come out of the publish call.
    Handlers and publishers have a `mock`.

    Args:
        *brokers: brokers of one kind.
        with_real: keep the real connection, only record calls.
        connect_only: enter without starting subscribers (an application will do it).
    """

    __test__ = False

    broker_class: type[Any] = object

    def __init__(
        self, *brokers: Any, with_real: bool = False, connect_only: bool | None = None
    ) -> None:
        for broker in brokers:
            if not isinstance(broker, self.broker_class):
                raise SetupError(
                    f"{type(self).__name__} takes {self.broker_class.__name__} objects, "
                    f"got {broker!r}"
                )
        if not brokers:
            raise SetupError(f"{type(self).__name__} needs at least one broker")
        self.brokers: Sequence[Broker] = brokers
        self.with_real = with_real
        self.connect_only = bool(connect_only)
        self._undo = AsyncExitStack()

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        """The transports that deliver in memory, one for each broker."""
        raise NotImplementedError

    async def __aenter__(self) -> Any:
        try:
            if not self.with_real:
                transports = self.make_transports(self.brokers)
                for broker, transport in zip(self.brokers, transports, strict=True):
                    self._replace(broker, transport)
                    self._watch_logger(broker)
            for broker in self.brokers:
                self._record(broker)
            for broker in self.brokers:
                self._undo.push_async_callback(self._stop, broker)
                await (broker.connect() if self.connect_only else broker.start())
        except BaseException:
            await self._undo.aclose()
            raise
        return self.brokers[0] if len(self.brokers) == 1 else list(self.brokers)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        await self._undo.aclose()

    def _replace(self, broker: Broker, transport: Transport) -> None:
        saved = {
            name: getattr(broker, name) for name in ("transport", "testing", "connected", "running")
        }
        subscribers = [(sub, dict(sub.__dict__)) for sub in broker.subscribers]

        def restore() -> None:
            for name, value in saved.items():
                setattr(broker, name, value)
            for sub, state in subscribers:
                sub.__dict__.update(
                    {key: state[key] for key in ("running", "pipeline", "_runner", "_feed")}
                )

        self._undo.callback(restore)
        for sub, _ in subscribers:
            sub.running, sub.pipeline, sub._runner, sub._feed = False, None, None, None
        broker.transport, broker.testing = transport, True
        broker.connected = broker.running = False

    def _watch_logger(self, broker: Broker) -> None:
        """Handlers get a mock that notes what is logged, and hands it on to the logger."""
        from unittest.mock import MagicMock

        context = broker.context
        logger = context.get("logger") if context.has_global("logger") else broker.logger
        context.set_global("logger", MagicMock(wraps=logger))
        if logger is broker.logger:
            self._undo.callback(context.reset_global, "logger")
        else:  # the user's own
            self._undo.callback(context.set_global, "logger", logger)

    @staticmethod
    async def _stop(broker: Broker) -> None:
        broker.testing = False
        await broker.stop()

    def _record(self, broker: Broker) -> None:
        for item in _recorded(broker):
            if item.recorder is None:
                item.recorder = Recorder()
        self._undo.callback(self._forget, broker)
        was, broker.recording = broker.recording, True
        self._undo.callback(setattr, broker, "recording", was)

    @staticmethod
    def _forget(broker: Broker) -> None:
        for item in _recorded(broker):
            if item.recorder is not None:
                item.recorder.reset()
                item.recorder = None


def _recorded(broker: Broker) -> list[Any]:
    """Everything that has a mock in test mode."""
    handlers = [item.call for sub in broker.subscribers for item in sub.calls]
    return [*handlers, *broker.publishers]


class TestApp:
    """Runs an application's lifespan, hooks and brokers in a test, without signals.

    Args:
        app: the application.
        run_extra_options: options for the lifespan and the `on_startup` hooks.
    """

    __test__ = False

    def __init__(self, app: FastStream, run_extra_options: dict[str, Any] | None = None) -> None:
        self.app = app
        self.extra = run_extra_options or {}
        self._stack = AsyncExitStack()
        self._portal: Any = None

    async def __aenter__(self) -> FastStream:
        try:
            await self._stack.enter_async_context(self.app.lifespan_scope(**self.extra))
            await self.app.start(**self.extra)
            self._stack.push_async_callback(self.app.stop)
        except BaseException:
            await self._stack.aclose()
            raise
        return self.app

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.__aexit__(exc_type, exc_val, exc_tb)

    def __enter__(self) -> FastStream:
        from anyio.from_thread import start_blocking_portal

        portal = start_blocking_portal()
        self._portal = (portal, portal.__enter__())
        try:
            app: FastStream = self._portal[1].call(self.__aenter__)
        except BaseException:
            portal.__exit__(None, None, None)
            raise
        return app

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        manager, portal = self._portal
        try:
            portal.call(self.__aexit__, exc_type, exc_val, exc_tb)
        finally:
            manager.__exit__(None, None, None)


__all__ = ("TestApp", "TestBroker")
