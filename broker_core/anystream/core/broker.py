"""A broker: declarations, lifecycle, one transport."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import Self

from anystream.core.ack import AckPolicy
from anystream.core.broker_options import BrokerOptions as BrokerOptions
from anystream.core.broker_options import BrokerSpecification as BrokerSpecification
from anystream.core.context import ContextRepo
from anystream.core.described_broker import DescribedBroker
from anystream.core.exceptions import FeatureNotSupportedException, IncorrectState, RequestFailed
from anystream.core.ids import gen_cor_id
from anystream.core.logging import get_logger
from anystream.core.outbox import Outbox, Send, new_middlewares, through_publish
from anystream.core.respond import FAILURE
from anystream.core.response import BatchPublishCommand, PublishCommand, PublishType
from anystream.core.router import Router
from anystream.core.sentinel import EMPTY
from anystream.core.stand_ins import stand_ins
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Transport

if TYPE_CHECKING:
    from fast_depends import Provider
    from fast_depends.library.serializer import SerializerProto

    from anystream.core.message import StreamMessage


NativeT = TypeVar("NativeT")


class Broker(DescribedBroker, Router):
    """Base of all brokers: what does not depend on the message server.

    Args:
        transport: the connection.
        specification: what the documentation says of it.
        options: see `BrokerOptions`.
    """

    kind = ""
    address_column = "address"
    default_ack_policy = AckPolicy.REJECT_ON_ERROR
    command_class: type[PublishCommand] = PublishCommand
    outbox_class: type[Outbox] = Outbox
    default_request_timeout = 0.5
    default_publish_timeout: float | None = None

    def __init__(
        self,
        transport: Transport,
        specification: BrokerSpecification,
        options: BrokerOptions,
    ) -> None:
        self.transport = transport
        self.specification = specification
        self.graceful_timeout = options.get("graceful_timeout", 15.0)
        self.publish_timeout = options.get("publish_timeout", self.default_publish_timeout)
        self.publish_retry = options.get("publish_retry")
        self.id_generator = options.get("id_generator") or gen_cor_id
        self.log_level = options.get("log_level", logging.INFO)
        self.apply_types = options.get("apply_types", True)
        self.context = options.get("context") or ContextRepo()
        self.context.set_global("broker", self)
        self.connected = False
        self.running = False
        self.starting = False
        self.testing = False  # delivery in the caller's task, exceptions come out
        self.recording = False
        self.binder: Callable[[Any, Any], Any] | None = None  # see `HandlerPlan`
        self._logger = options.get("logger", EMPTY)
        self._serializer = options.get("serializer", EMPTY)
        self._provider = options.get("provider")
        self._outbox: Outbox | None = None
        self._busy: asyncio.Lock | None = None
        self._connecting: asyncio.Future[Any] | None = None
        self._stop_asked = False
        super().__init__(
            dependencies=options.get("dependencies", ()),
            middlewares=options.get("middlewares", ()),
            routers=options.get("routers", ()),
            parser=options.get("parser"),
            decoder=options.get("decoder"),
            codec=options.get("codec"),
            ack_policy=options.get("ack_policy", EMPTY),
            underlying_driver_annotations=options.get("underlying_driver_annotations"),
        )

    def adopt(self, app: Any) -> None:
        """Takes from an application what was not given here: provider, serializer, context."""
        if self._serializer is EMPTY:
            self._serializer = app.config.serializer
        if self._provider is None:
            self._provider = app.config.provider
        self.context.extend(app.context)
        self._outbox = None
        self.refresh()

    @property
    def serializer(self) -> SerializerProto | None:
        """Validates arguments and encodes bodies."""
        if self._serializer is EMPTY:
            from fast_depends.pydantic import PydanticSerializer

            self._serializer = PydanticSerializer(use_fastdepends_errors=False)
        return self._serializer

    @property
    def provider(self) -> Provider:
        """FastDepends' dependencies and overrides."""
        if self._provider is None:
            from fast_depends import dependency_provider

            return dependency_provider
        return self._provider

    @property
    def logger(self) -> Any:
        """The logger of its messages, None when it is silent."""
        if self._logger is EMPTY:
            self._logger = get_logger(
                f"anystream.access.{self.kind}", level=self.log_level, columns=self.log_columns()
            )
        return self._logger

    @property
    def outbox(self) -> Outbox:
        """The sending half; that of a copy while a handler is tried out, see `isolation`."""
        copies = stand_ins.get()
        if copies is not None:
            twin = copies.of(self)
            if twin is not self:
                return twin.outbox
        if self._outbox is None:
            self._outbox = self.outbox_class(self)
        return self._outbox

    @property
    def connection(self) -> Any:
        """The client library's connection.

        Raises:
            IncorrectState: not connected.
        """
        return self._if_connected(self.transport.native)

    def _if_connected(self, native: NativeT | None) -> NativeT:
        # what there is only while there is a connection
        if native is None:
            raise IncorrectState(f"{self!r} is not connected: await `broker.connect()` first")
        return native

    def _say(self, level: int, text: str) -> None:
        # a line about the connection; its parts are given this method
        if self.logger is not None:
            self.logger.log(level, text)

    def root_broker(self) -> Broker | None:
        return self

    def log_columns(self) -> Mapping[str, int]:
        """Names and widths of the columns of its log lines."""
        widest = max((len(sub.full_address) for sub in self.subscribers), default=4)
        return {self.address_column: max(4, widest), "message_id": 10}

    def log_fields(self, subscriber: Subscriber, message: Any) -> dict[str, Any]:
        """The values of those columns for one message (or for none)."""
        message_id = message.message_id[:10] if message is not None else ""
        return {self.address_column: subscriber.full_address, "message_id": message_id}

    def fill_command(self, command: Any, options: Mapping[str, Any]) -> None:
        """Puts a publisher's native options into a command that leaves them open."""

    def _lock(self) -> asyncio.Lock:
        # made late: a broker may be declared before there is a loop, and outlive it
        if self._busy is None or getattr(self._busy, "_loop", None) not in (
            None,
            asyncio.get_running_loop(),
        ):
            self._busy = asyncio.Lock()
        return self._busy

    async def connect(self) -> Any:
        """Connects without starting subscribers; connected already, it does nothing.

        Returns:
            The client library's connection.
        """
        async with self._lock():
            if not self.connected:
                # a task of its own, so that `stop()` can end an attempt that hangs
                self._connecting = asyncio.ensure_future(self.transport.connect())
                try:
                    await self._connecting
                except asyncio.CancelledError:
                    if not self._stop_asked:
                        raise
                    raise IncorrectState(f"{self!r} was stopped while it connected") from None
                finally:
                    self._connecting.cancel()
                    self._connecting = None
                self.connected = True
        return self.transport.native

    async def start(self) -> None:
        """Connects and starts all subscribers; started already, it does nothing.

        When a subscriber cannot start, those that did are stopped, the connection is closed and
        the error is raised.
        """
        self.starting = not self.running
        try:
            await self._start()
        finally:
            self.starting = False

    async def _start(self) -> None:
        await self.connect()
        async with self._lock():
            if self.running:
                return
            try:
                subscribers = self.subscribers
                await self.transport.prepare(subscribers)
                for subscriber in subscribers:
                    await subscriber.start()
                await self.transport.started()
            except BaseException:
                await self._shut_down()
                raise
            self.running = True

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        """Stops subscribers, each draining for at most `graceful_timeout` seconds, disconnects.

        Safe before `start()` and twice. Errors are logged, the rest is still stopped. In test
        mode it does nothing: the test broker ends what it began.
        """
        if self.testing:
            return
        if self._connecting is not None:
            self._stop_asked = True
            self._connecting.cancel()
        async with self._lock():
            self._stop_asked = False
            await self._shut_down()

    async def _shut_down(self) -> None:
        self.running = False
        left = [sub for sub in self.subscribers if sub.running or sub.is_stopping]
        started = [asyncio.ensure_future(sub.stop()) for sub in left]
        try:
            if started:
                await asyncio.wait(started)
        finally:  # also when nobody waits for the drain any more
            await self._hang_up(started)

    async def _hang_up(self, stopping: Sequence[asyncio.Future[None]]) -> None:
        for task in stopping:
            task.cancel()
        results = await asyncio.gather(*stopping, return_exceptions=True)
        self.connected = False
        try:
            await self.transport.close()
        except Exception as error:
            results.append(error)
        for result in results:
            if isinstance(result, Exception) and self.logger is not None:
                text = f"{self!r} did not stop cleanly: {result!r}"
                self.logger.log(logging.ERROR, text, exc_info=result)

    @property
    def _connection(self) -> Any:
        """The client's connection, by the name that `Context("broker._connection")` knows."""
        return self.transport.native

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        await self.stop(exc_type, exc_val, exc_tb)

    async def ping(self, timeout: float | None = 5.0) -> bool:
        """Whether the server answers and every started subscriber can receive.

        Args:
            timeout: seconds to wait for the server.
        """
        known = self.known_health()
        return await self.transport.ping(timeout) if known is None else known

    def known_health(self) -> bool | None:
        """What `ping` says, where that is known without asking the server; else None."""
        if not self.connected:
            return False
        if self.running:
            for sub in self.subscribers:
                if sub.running and not sub.alive:
                    return False
        return self.transport.known_health()

    async def publish_command(self, command: PublishCommand) -> Any:
        """Sends a command through the broker's own middlewares."""
        send: Send = self.outbox.send
        if self.layer.middlewares:
            self.outbox.identify(command)
            middlewares = new_middlewares(self.layer.middlewares, None, self.context)
            send = through_publish(middlewares, send)
        return await send(command)

    async def publish_batch_command(self, command: BatchPublishCommand) -> Any:
        """Sends several bodies through the broker's own middlewares."""
        self.outbox.identify(command)
        middlewares = new_middlewares(self.layer.middlewares, None, self.context)
        return await through_publish(middlewares, self.outbox.send_batch)(command)

    async def request_command(self, command: PublishCommand, timeout: float) -> StreamMessage[Any]:
        """Sends a command and waits for the answer."""
        command.publish_type = PublishType.REQUEST
        return await self.request_through(command, timeout, self.layer.middlewares)

    async def request_through(
        self,
        command: PublishCommand,
        timeout: float,
        factories: Sequence[Callable[..., Any]],
    ) -> StreamMessage[Any]:
        """Sends a request through publish hooks, and its answer through new consume hooks."""
        from anystream.core.reading import incoming

        self.outbox.identify(command)
        middlewares = new_middlewares(factories, None, self.context)

        async def ask(cmd: Any) -> Any:
            return await self.outbox.request(cmd, timeout)

        raw = await through_publish(middlewares, ask)(command)
        message = await incoming(None, raw, factories, self.layer, self)
        if FAILURE in message.headers:
            raise RequestFailed(command.destination, message.headers[FAILURE])
        return message

    async def publish_batch(self, *messages: Any, **options: Any) -> Any:
        """Publishes several bodies at once, with brokers that can.

        Raises:
            FeatureNotSupportedException: this one cannot.
        """
        raise FeatureNotSupportedException(
            f"{type(self).__name__} has no batches: publish the messages one by one"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(self.specification.url)}>"
