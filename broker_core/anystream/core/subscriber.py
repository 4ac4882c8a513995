"""A declared source of messages and the handlers that take them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import ParamSpec

from anystream.core.ack import AckPolicy
from anystream.core.described import Described
from anystream.core.exceptions import IncorrectState, SetupError
from anystream.core.forward_names import settle_names
from anystream.core.handler import HandlerCallWrapper, HandlerItem, accept_fresh
from anystream.core.layers import Layer, Merged, merge
from anystream.core.places import where
from anystream.core.recording import record_late
from anystream.core.runner import Runner, inside_handler_of
from anystream.core.sentinel import EMPTY
from anystream.core.transport import Feed, Parse

if TYPE_CHECKING:
    from fast_depends.dependencies import Dependant

    from anystream.core.broker import Broker
    from anystream.core.message import StreamMessage
    from anystream.core.pipeline import Pipeline
    from anystream.core.reading import Reading
    from anystream.core.router import Router

P = ParamSpec("P")
T = TypeVar("T")


class Subscriber:
    """Reads one source; a decorator for its handlers.

    What is read (`source`), how it is delivered (`workers`, `batch`) and when it is acknowledged
    (`ack_policy`) are values here, not subclasses.

    Args:
        parent: the broker or router that it was declared on.
        address: what it reads, as declared (subject, topic, …); for people.
        source: the broker's own description of what is read.
        workers: how many messages are handled at once.
        batch: handlers take a list of bodies.
        ack_policy: when messages are acknowledged; the nearest layer's, else the broker's default.
        settles: whether the source knows acknowledgement at all.
        no_reply: never answer, whatever the sender asks for.
        layer: parser, decoder, codec and dependencies of this subscriber alone.
        title, description, include_in_schema: for the documentation.
    """

    # whether `SkipMessage` and the like end here though the source knows no acknowledgement
    takes_exceptions = False

    def __init__(
        self,
        parent: Router,
        address: str,
        source: Any,
        *,
        workers: int = 1,
        batch: bool = False,
        ack_policy: AckPolicy = EMPTY,
        settles: bool = True,
        no_reply: bool = False,
        layer: Layer | None = None,
        title: str | None = None,
        description: str | None = None,
        include_in_schema: bool = True,
    ) -> None:
        if not isinstance(workers, int) or workers < 1:
            raise SetupError(f"max_workers of {address!r} is {workers!r}: give a number from 1")
        self.parent = parent
        self.address = address
        self.source = source
        self.workers = workers
        self.batch = batch
        self.ack_policy = ack_policy
        self.settles = settles
        self.no_reply = no_reply
        self.layer = layer
        self.title = title
        self.description = description
        self.include_in_schema = include_in_schema
        self.calls: list[HandlerItem] = []
        self.binding_options: Any = None  # for the broker's `binder`
        self.running = False
        self.pipeline: Pipeline | None = None
        self._merged: Merged | None = None
        self._runner: Runner | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._ending: asyncio.Future[None] | None = None  # a stop that is going on, or was
        self._reading: Reading | None = None
        self._feed: Feed | None = None

    @overload
    def __call__(
        self, func: Callable[P, T] | HandlerCallWrapper[P, T]
    ) -> HandlerCallWrapper[P, T]: ...

    @overload
    def __call__(
        self,
        func: None = None,
        *,
        filter: Callable[..., Any] | None = ...,
        parser: Callable[..., Any] | None = ...,
        decoder: Callable[..., Any] | None = ...,
        dependencies: Iterable[Dependant] = ...,
    ) -> Callable[[Callable[P, T]], HandlerCallWrapper[P, T]]: ...

    def __call__(
        self,
        func: Callable[..., Any] | None = None,
        *,
        filter: Callable[..., Any] | None = None,
        parser: Callable[..., Any] | None = None,
        decoder: Callable[..., Any] | None = None,
        dependencies: Iterable[Dependant] = (),
    ) -> Any:
        """Registers a handler.

        Args:
            func: the handler.
            filter: takes the undecoded message, says whether this handler takes it; the first
                handler that does gets the message.
            parser: replaces or wraps the default parser.
            decoder: replaces or wraps the default decoder.
            dependencies: run before this handler.
        """

        def register(function: Any) -> HandlerCallWrapper[Any, Any]:
            if not callable(function):
                raise SetupError(f"{self!r} needs a function as its handler, got {function!r}")
            if self.running and not self.calls:
                raise SetupError(
                    f"{self!r} was started without handlers, so it receives nothing for them: "
                    "register them before the start, or stop it and start it again"
                )
            wrapper = HandlerCallWrapper.of(function)
            wrapper.belongs_to(self)
            settle_names(wrapper._original_call)
            record_late(wrapper, self.parent)
            chosen = None if filter is accept_fresh else filter
            self.calls.append(HandlerItem(wrapper, chosen, parser, decoder, tuple(dependencies)))
            if self.running:
                self.freeze()
            return wrapper

        return register if func is None else register(func)

    @property
    def broker(self) -> Broker:
        """The broker it belongs to.

        Raises:
            IncorrectState: its router is not included in one.
        """
        broker = self.parent.root_broker()
        if broker is None:
            raise IncorrectState(
                f"{self!r} belongs to a router that no broker includes: "
                "call `broker.include_router(router)` first"
            )
        return broker

    @property
    def merged(self) -> Merged:
        """All layers around it, its own included."""
        if self._merged is None:
            own = [self.layer] if self.layer else []
            self._merged = merge([*self.parent.layers(), *own])
        return self._merged

    @property
    def full_address(self) -> str:
        """The address with the prefixes of its routers."""
        return self.merged.prefix + self.address

    @property
    def call_name(self) -> str:
        """The names of its handlers, for logs and documents."""
        names = [item.name for item in self.calls]
        return names[0] if len(names) == 1 else f"[{','.join(names)}]" if names else "Subscriber"

    def refresh(self) -> None:
        """Resolves layers anew; called when one changes."""
        self._merged = None
        if self.running:
            self.freeze()

    def parser(self) -> Parse:
        """The transport's parser for messages of this subscriber."""
        return self.broker.transport.parser(self)

    def log_context(self, message: Any) -> dict[str, Any]:
        """Extra fields of log lines about a message."""
        return self.broker.log_fields(self, message)

    def freeze(self) -> Pipeline:
        """Takes all decisions now; see `Pipeline`."""
        from anystream.core.pipeline import Pipeline

        self.pipeline = Pipeline(self)
        if self._runner is not None:
            self._runner.process = self.pipeline.process
        return self.pipeline

    def explain(self) -> str:
        """The frozen pipeline as text, one step a line."""
        return (self.pipeline or self.freeze()).explain()

    def describe(self) -> str:
        """One line: what is read, how, by whom."""
        how = [f"{self.workers} workers"] if self.workers > 1 else []
        how += ["batches"] if self.batch else []
        extra = f" ({', '.join(how)})" if how else ""
        return f"{self.full_address or self.source} -> {self.call_name}{extra}"

    async def start(self) -> None:
        """Freezes and starts receiving. The broker must be connected.

        Raises:
            IncorrectState: the broker is not connected.
            SetupError: a handler cannot be bound.
        """
        if self.running:
            return
        broker = self.broker
        if not broker.connected:
            raise IncorrectState(
                f"{self!r} cannot start: {broker!r} is not connected. "
                "Await `broker.connect()` or `broker.start()` first"
            )
        if not self.calls:
            await broker.transport.prepare([self])  # there will be no feed that could declare it
            self.running = True
            return
        pipeline = self.freeze()
        if broker.testing:
            # tests deliver in the caller's task and see every exception
            self._feed = broker.transport.feed(self, self.process_message)
            await self._feed.open()
        else:
            self._runner = Runner(self, pipeline.process, self.workers)
            await self._runner.start()
        self.running = True
        if broker.logger is not None:
            text = f"`{self.call_name}` waiting for messages"
            broker.logger.log(broker.log_level, text, extra=broker.log_fields(self, None))

    async def stop(self) -> None:
        """Drains for at most the broker's `graceful_timeout` seconds and stops receiving; waits
        for a stop that is already going on."""
        self.running = False
        other = self._ending
        if other is not None and self.is_stopping:
            if not inside_handler_of(self):  # for whose end that other one may be waiting
                await asyncio.wait({other})
            return
        ending = self._ending = asyncio.get_running_loop().create_future()
        try:
            await self._stop()
        finally:
            ending.set_result(None)

    async def _stop(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            await reading.close()
        feed, self._feed = self._feed, None
        if feed is not None:
            await feed.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.stop(self.broker.graceful_timeout)

    @property
    def is_stopping(self) -> bool:
        """Whether a stop is going on."""
        return self._ending is not None and not self._ending.done()

    def stop_soon(self) -> None:
        """Stops from inside a handler, which cannot wait for itself."""
        self._stopping = asyncio.ensure_future(self.stop())

    async def pause(self) -> None:
        """Takes no more messages until `resume`; those in flight are finished."""
        if self._runner is not None:
            await self._runner.pause()

    async def resume(self) -> None:
        """Takes messages again after `pause`."""
        if self._runner is not None:
            await self._runner.resume()

    @property
    def alive(self) -> bool:
        """Whether it is started and its messages can arrive."""
        if not self.calls or self._feed is not None:
            return self.running
        return self.running and self._runner is not None and self._runner.alive

    @property
    def last_message_age(self) -> float | None:
        """Seconds since a message was last taken; None before the first one."""
        last = self._runner.last_at if self._runner is not None else None
        return None if last is None else monotonic() - last

    @property
    def restarts(self) -> int:
        """How often receiving failed and was begun again since the start."""
        return self._runner.all_restarts if self._runner is not None else 0

    async def consume(self, raw: Any) -> Any:
        """Handles one native message as in production: errors are reported, not raised."""
        if self._runner is None:
            self._runner = Runner(self, self._process(), 1)
            self._runner.open = True
        return await self._runner.consume(raw)

    async def process_message(self, raw: Any) -> Any:
        """Handles one native message and raises what the handler raises."""
        return await self._process()(raw)

    def _process(self) -> Callable[[Any], Awaitable[Any]]:
        return (self.pipeline or self.freeze()).process

    async def get_one(self, timeout: float = 5.0, **options: Any) -> StreamMessage[Any] | None:
        """Takes one message without a handler; it is not acknowledged for you.

        Args:
            timeout: seconds to wait.
            **options: what the broker's reader knows besides (RabbitMQ: `no_ack`).

        Returns:
            The message, or None when there was none in time.

        Raises:
            IncorrectState: the subscriber has handlers, or is not started.
            OptionError: an option does not exist.
        """
        return await self._reader().get(timeout, options)

    async def __aiter__(self) -> AsyncIterator[StreamMessage[Any]]:
        """Takes messages without a handler, one after the other, for ever."""
        reading = self._reader()
        while True:
            message = await reading.get(None)
            if message is not None:
                yield message

    def _reader(self) -> Reading:
        if self.calls:
            names = ", ".join(where(item.call) for item in self.calls)
            raise IncorrectState(f"{self!r} has handlers ({names}): they take its messages")
        if not self.running:
            raise IncorrectState(f"{self!r} is not started: await `subscriber.start()` first")
        if self._reading is None:
            from anystream.core.reading import Reading

            self._reading = Reading(self)
        return self._reading

    async def __aenter__(self) -> Subscriber:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def specification(self) -> Described:
        """How it stands in the AsyncAPI document."""
        return Described(self)

    def schema(self) -> dict[str, Any]:
        """Its part of the AsyncAPI document: channels by their keys."""
        from anystream.specification.channels import subscriber_channels

        return dict(subscriber_channels(self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address or self.source!r} -> {self.call_name}>"
