"""Messages of one queue, between the server that pushes them and the runner that takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Feed
from anystream.rabbit.channel import Channel
from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.consumption import Consumption
from anystream.rabbit.declarer import Declarer
from anystream.rabbit.incoming import Incoming
from anystream.rabbit.real_channels import RealChannels


class RabbitFeed(Feed):
    """What has arrived waits here until it is taken.

    Args:
        connection: the connection.
        declarer: declares.
        channels: the channels.
        subscriber: whose messages they are.
        default: the channel settings of the broker, if it has any.
    """

    pulls = True

    def __init__(
        self,
        connection: RabbitConnection,
        declarer: Declarer,
        channels: RealChannels,
        subscriber: Subscriber,
        default: Channel | None,
    ) -> None:
        self.consumption = Consumption(
            connection,
            declarer,
            channels,
            subscriber,
            default,
            arrived=self._arrived,
            stale=self._forget,
        )
        self.batch = subscriber.batch
        # no more than can be handled now: the rest can still be given back
        self.at_once = self.consumption.left.limit if self.batch else subscriber.workers
        self._inbox: deque[Incoming] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._emptied: asyncio.Future[None] | None = None

    async def open(self) -> None:
        await self.consumption.open()

    def _arrived(self, raw: Incoming) -> None:
        self._inbox.append(raw)
        waiting = self._waiting
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _forget(self) -> None:
        self._inbox.clear()

    async def fetch(self) -> Sequence[Any]:
        inbox = self._inbox
        while not inbox:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        taken = [inbox.popleft() for _ in range(min(len(inbox), self.at_once))]
        if self.consumption.queue.is_stream:
            headers = taken[-1]._delivered.header.properties.headers or {}
            self.consumption.offset = headers.get("x-stream-offset", self.consumption.offset)
        if not inbox and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)
        return [taken] if self.batch else taken

    def handled(self, raw: Any) -> None:
        consumer = self.consumption.consumer
        if consumer is None or not consumer.held:
            return
        for item in raw if self.batch else (raw,):
            holder = item._holder
            if holder is not None and holder.held is consumer.held:
                tag = item._delivered.delivery.delivery_tag
                if tag in holder.held:
                    self.consumption.note_left(tag)

    async def pause(self) -> None:
        await self.consumption.suspend()
        if not self.consumption.settles:  # the server has forgotten them: they must be handled
            if self._inbox:
                self._emptied = asyncio.get_running_loop().create_future()
                await self._emptied
            return
        waiting = list(self._inbox)
        self._inbox.clear()
        await give_back(waiting)

    async def close(self) -> None:
        await self.consumption.close()

    @property
    def alive(self) -> bool:
        return self.consumption.alive


async def give_back(messages: Sequence[Incoming]) -> None:
    """Gives messages back to their queues; of a stream there is nothing to give back."""
    for raw in messages:
        consumer = raw._holder
        if consumer is not None:
            await consumer.give_back([raw._delivered.delivery.delivery_tag])
