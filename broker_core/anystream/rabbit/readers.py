"""Messages one by one, for `get_one` and iteration."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Reader, ReaderOptions
from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.consumer import Consumer
from anystream.rabbit.consumption import explained_consuming
from anystream.rabbit.declarer import Declarer
from anystream.rabbit.feed import RabbitFeed, give_back
from anystream.rabbit.incoming import Incoming
from anystream.rabbit.source import declare_source

FIRST_PAUSE = 0.005
LONGEST_PAUSE = 0.1


class GetOptions(ReaderOptions, total=False):
    """Options of `get_one`: those of every broker, and this.

    Keys:
        no_ack: True (default) takes the message out of the queue, which counts as acknowledged;
            False leaves acknowledging to you, until the subscriber stops: then it goes back.
    """

    no_ack: bool


class RabbitReader(Reader):
    """Reads a queue.

    With a timeout (`get_one`) a message is fetched, see `GetOptions`; without (iteration), and
    from streams, there is a consumer and the user acknowledges.

    Args:
        connection: the connection.
        declarer: declares.
        subscriber: a subscriber without handlers.
        feed: its feed, not open.
    """

    options = GetOptions

    def __init__(
        self,
        connection: RabbitConnection,
        declarer: Declarer,
        subscriber: Subscriber,
        feed: RabbitFeed,
    ) -> None:
        self.connection = connection
        self.declarer = declarer
        self.subscriber = subscriber
        self.feed = feed
        self._name: str | None = None
        self._channel: Any = None
        self._open = False
        self._buffer: deque[Incoming] = deque()

    async def get(self, timeout: float | None, no_ack: bool = True) -> Any | None:
        if timeout is None:
            return await self._consumed()
        if self.feed.consumption.queue.is_stream or self._open:
            try:
                return await asyncio.wait_for(self._consumed(), timeout)
            except asyncio.TimeoutError:
                return None
        return await self._fetched(timeout, no_ack)

    async def _fetched(self, timeout: float, no_ack: bool) -> Incoming | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if self._name is None:
            self._name = await declare_source(self.declarer, self.subscriber, again=False)
        pause = FIRST_PAUSE
        while True:
            with explained_consuming(self.subscriber, self._name), self.connection.told_apart():
                if self._channel is None or self._channel.is_closed:
                    self._channel = await self.connection.channel()
                # not cancelled in the middle: the message would be gone
                found = await asyncio.shield(self._channel.basic_get(self._name, no_ack=no_ack))
            if found.delivery_tag is not None:
                return Incoming(found, None if no_ack else self._holder(found.channel))
            left = deadline - loop.time()
            if left <= 0:
                return None
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)

    def _holder(self, channel: Any) -> Consumer:
        # what acknowledges a message through the channel that it came by; nothing is consumed
        return Consumer(channel, settles=True, is_stream=False, arrived=self._buffer.append)

    async def _consumed(self) -> Incoming:
        if not self._open:
            await self.feed.open()
            self._open = True
        while not self._buffer:
            self._buffer.extend(await self.feed.fetch())
        return self._buffer.popleft()

    async def close(self) -> None:
        waiting, self._buffer = self._buffer, deque()
        if self._open:
            self._open = False
            await self.feed.pause()
            await give_back(waiting)
            await self.feed.close()
        channel, self._channel = self._channel, None
        if channel is not None and not channel.is_closed:
            await channel.close()
