"""Keeps a consumer of a queue at the server, whatever happens to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiormq.exceptions as native

from anystream.core.ack import AckPolicy
from anystream.core.exceptions import BrokerConnectionError, SetupError
from anystream.core.subscriber import Subscriber
from anystream.rabbit.channel import Channel
from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.consumer import Consumer
from anystream.rabbit.declarer import Declarer, explained
from anystream.rabbit.incoming import Incoming
from anystream.rabbit.keeper import FIRST_PAUSE, LONGEST_PAUSE, Keeper
from anystream.rabbit.left_behind import LeftBehind
from anystream.rabbit.real_channels import RealChannel, RealChannels
from anystream.rabbit.source import RabbitSource, declare_source, full_queue, prefetch

SHORT_LIFE = 1.0  # a consumer that ends sooner is not begun again at once


class Consumption:
    """The consumer of one subscriber.

    One that ends (queue deleted, channel closed, connection lost) is begun again, with its queue,
    exchange and binding.

    Args:
        connection: the connection.
        declarer: declares.
        channels: the channels.
        subscriber: whose messages they are.
        default: the channel settings of the broker, if it has any.
        arrived: called with each message.
        stale: called when the server will deliver again what it has delivered and what was not
            acknowledged.
    """

    def __init__(
        self,
        connection: RabbitConnection,
        declarer: Declarer,
        channels: RealChannels,
        subscriber: Subscriber,
        default: Channel | None,
        *,
        arrived: Callable[[Incoming], None],
        stale: Callable[[], None],
    ) -> None:
        source: RabbitSource = subscriber.source
        self.connection = connection
        self.declarer = declarer
        self.channels = channels
        self.subscriber = subscriber
        self.arrived = arrived
        self.stale = stale
        self.queue = full_queue(subscriber)
        self.settings = source.channel or default
        policy = _policy(subscriber)
        self.settles = self.queue.is_stream or policy is not AckPolicy.ACK_FIRST
        manual = policy is AckPolicy.MANUAL
        self.left = LeftBehind(prefetch(subscriber, default), manual=manual)
        self.consumer: Consumer | None = None
        self.offset: int | None = None  # of the last message that was taken from a stream
        self._ended: list[Consumer] = []
        self._real: RealChannel | None = None
        self._name = ""
        self._wanted = False
        self._began = 0.0
        self._flaps = 0
        self._keeper: Keeper | None = None

    async def open(self) -> None:
        """Begins to consume, for the first time or again after `suspend`."""
        first = self._real is None
        if self._real is None:
            self._real = self.channels.take(self.settings)
        try:
            await self._begin(self._real, again=not first)
        except BaseException:
            if first:
                await self.close()
            raise
        self._wanted = True
        self._keeper = Keeper(self._restore, self._failed)
        self._keeper.start()
        self.connection.looks.add(self.look)
        self.look()  # it may be gone already

    async def _begin(self, real: RealChannel, *, again: bool, held: set[int] | None = None) -> None:
        if self.queue.robust or not again:
            self._name = await declare_source(self.declarer, self.subscriber, again=again)
        told_apart = self.connection.told_apart
        async with real.lock:
            with explained_consuming(self.subscriber, self._name), told_apart():
                channel = await real.open(self.left.limit)
                consumer = Consumer(
                    channel,
                    settles=self.settles,
                    is_stream=self.queue.is_stream,
                    arrived=self.arrived,
                    held=held,
                )
                await consumer.begin(self._name, self._arguments())
        self.consumer = consumer
        self._began = asyncio.get_running_loop().time()
        channel.closing.add_done_callback(self._on_closing)
        cancelled = getattr(channel, "on_consumer_cancel_callbacks", None)
        if cancelled is not None:  # else it is noticed at the next look
            cancelled.add(self._on_cancel)

    def _arguments(self) -> dict[str, Any] | None:
        given = self.subscriber.source.consume_args
        if self.offset is None:
            return dict(given) if given else None
        return {**(given or {}), "x-stream-offset": self.offset + 1}

    def _on_closing(self, closing: asyncio.Future[Any]) -> None:
        if not closing.cancelled():
            closing.exception()  # or the loop complains that nobody asked
        self.look()

    def _on_cancel(self, frame: Any) -> None:
        if self.consumer is not None and frame.consumer_tag == self.consumer.tag:
            self.look()

    def look(self) -> None:
        """Notices that the consumer is gone; called when something may have changed."""
        consumer = self.consumer
        if consumer is not None and not (consumer.alive and self.connection.is_up):
            self.consumer = None
            self.declarer.forget(self.queue.name)
            self.left.reset()
            if self.connection.is_up and not consumer.channel.is_closed:
                self._ended.append(consumer)  # what it has delivered can still be acknowledged
            elif self.settles:
                self.stale()
        if self._keeper is not None and self.consumer is None and self._wanted:
            self._keeper.call()

    async def _restore(self) -> None:
        real, consumer = self._real, self.consumer
        if real is None or not self._wanted:
            return
        if consumer is None:
            if not await self.connection.wait_up():
                return  # the broker is being stopped
            await self._slow_down()
            await self._begin(real, again=True)
            self.say(logging.INFO, "consumes again")
            self.look()
        elif self.left.is_crowding(consumer.held):
            await self._make_room(real, consumer)

    async def _slow_down(self) -> None:
        """A consumer that was begun and ended again and again is begun with pauses."""
        loop = asyncio.get_running_loop()
        self._flaps = self._flaps + 1 if loop.time() - self._began < SHORT_LIFE else 0
        if self._flaps:
            await asyncio.sleep(min(FIRST_PAUSE * 2**self._flaps, LONGEST_PAUSE))

    def _failed(self, error: Exception) -> None:
        self.say(logging.ERROR, f"cannot consume: {error}; trying again")

    def note_left(self, tag: int) -> None:
        """A message was handled and is still not acknowledged."""
        self.left.note(tag)
        consumer, keeper = self.consumer, self._keeper
        if consumer is not None and keeper is not None and self.left.is_crowding(consumer.held):
            keeper.call()

    async def _make_room(self, real: RealChannel, consumer: Consumer) -> None:
        """Lets the server send more, though earlier messages are not acknowledged."""
        warning = self.left.make_room()
        if warning:
            self.say(logging.WARNING, warning)
            return
        self.consumer = None
        await self._end(consumer)
        await self._begin(real, again=True, held=consumer.held)

    async def suspend(self) -> None:
        """Stops consuming; what was delivered can still be acknowledged."""
        self._wanted = False
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await keeper.stop()
        consumer, self.consumer = self.consumer, None
        if consumer is not None:
            self._ended.append(consumer)
            await self._end(consumer)

    async def _end(self, consumer: Consumer) -> None:
        try:
            with self.connection.told_apart():
                await consumer.end()
        except (native.AMQPError, native.ChannelInvalidStateError, OSError) as error:
            self.say(logging.DEBUG, f"the consumer was gone before it was ended ({error!r})")

    async def close(self) -> None:
        """Stops consuming and gives back what is not acknowledged."""
        self.connection.looks.discard(self.look)
        real, self._real = self._real, None
        try:
            await self.suspend()
            if real is not None and real.users > 1:  # its channel stays
                for consumer in self._ended:
                    await consumer.give_back(sorted(consumer.held))
        finally:
            self._ended.clear()
            if real is not None:
                await self.channels.leave(real)

    def say(self, level: int, text: str) -> None:
        """Writes a log line about the subscriber."""
        logger = self.subscriber.broker.logger
        if logger is not None:
            logger.log(level, f"{self.subscriber!r} {text}")

    @property
    def alive(self) -> bool:
        """Whether messages can arrive, or are not wanted now."""
        if not self.connection.is_up:
            return False
        return not self._wanted or (self.consumer is not None and self.consumer.alive)


def _policy(subscriber: Subscriber) -> AckPolicy:
    from anystream.core.plan import resolve_policy  # here, or the import of a broker takes longer

    return resolve_policy(subscriber)


@contextmanager
def explained_consuming(subscriber: Subscriber, name: str) -> Iterator[None]:
    """Turns the client's errors about a consumer into ones that say what to do."""
    what = f"{subscriber!r}: consuming from {name!r}"
    try:
        with explained(what, subscriber.source.queue):
            try:
                yield
            except native.ChannelPreconditionFailed as error:
                raise SetupError(
                    f"{what} is refused ({error}). Check its consume_args and its channel"
                ) from error
    except OSError as error:
        if isinstance(error, BrokerConnectionError):
            raise
        raise BrokerConnectionError(f"{what} is not possible now: {error}") from error
