"""Messages that are asked for: one by one in parallel, or in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from nats.aio.msg import Msg

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed
from anystream.nats.connection import NatsConnection
from anystream.nats.puller import LONGEST_REQUEST, Puller
from anystream.nats.schemas import PullSub
from anystream.nats.streams import Streams

SHORTEST_REQUEST = 1.0


class PullFeed(Feed):
    """Keeps up to `batch_size` messages asked for or in hand; asks for more at half of it.

    So nothing waits in this process while its `ack_wait` runs.

    Args:
        connection: a connection that is up.
        subscriber: whose messages they are.
        deliver: takes a native message.
        streams: makes the stream where that is wanted.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subscriber: Subscriber,
        deliver: Deliver,
        streams: Streams,
    ) -> None:
        pull: PullSub = subscriber.source.pull
        self.batch_size = pull.batch_size
        self.puller = Puller(
            connection,
            subscriber,
            deliver,
            streams,
            wanted=self._wanted,
            ended=_nothing,
            expires=max(SHORTEST_REQUEST, pull.timeout or LONGEST_REQUEST),
        )
        self._done = 0

    async def open(self) -> None:
        await self.puller.open()

    def _wanted(self) -> int:
        in_hand = self.puller.taken - self._done
        return self.batch_size - in_hand if in_hand <= self.batch_size // 2 else 0

    def handled(self, raw: Any) -> None:
        self._done += 1
        puller = self.puller
        if not puller.open_request and puller.taken - self._done <= self.batch_size // 2:
            puller.ask()

    async def pause(self) -> None:
        await self.puller.drain()

    async def close(self) -> None:
        await self.puller.close()

    @property
    def alive(self) -> bool:
        return self.puller.alive


class BatchFeed(Feed):
    """Collects up to `batch_size` messages for one call; asks when the handler is ready.

    Args:
        connection: a connection that is up.
        subscriber: whose messages they are.
        streams: makes the stream where that is wanted.
    """

    pulls = True

    def __init__(
        self, connection: NatsConnection, subscriber: Subscriber, streams: Streams
    ) -> None:
        pull: PullSub = subscriber.source.pull
        self.batch_size = pull.batch_size
        self.subscriber = subscriber
        self.puller = Puller(
            connection,
            subscriber,
            self._collect,
            streams,
            wanted=self._wanted,
            ended=self._wake,
            expires=pull.timeout or LONGEST_REQUEST,
        )
        self._waiting: list[Msg] = []
        self._fetching = False
        self._paused = False
        self._change = asyncio.Event()
        self._taken = asyncio.Event()

    async def open(self) -> None:
        self._paused = False
        await self.puller.open()

    async def _collect(self, raw: Msg) -> None:
        self._waiting.append(raw)
        if len(self._waiting) >= self.batch_size or not self.puller.open_request:
            self._change.set()

    def _wake(self) -> None:
        if self._waiting:
            self._change.set()

    def _wanted(self) -> int:
        # what is there when a request has ended is a batch; it is not filled up
        return self.batch_size if self._fetching and not self._waiting else 0

    async def fetch(self) -> Sequence[Any]:
        self._fetching = True
        try:
            while not self._is_ready():
                self.puller.ask()
                self._change.clear()
                await self._change.wait()
        finally:
            self._fetching = False
        batch = self._waiting[: self.batch_size]
        del self._waiting[: self.batch_size]
        if not self._waiting:
            self._taken.set()
        return [batch]

    def _is_ready(self) -> bool:
        waiting = len(self._waiting)
        over = self._paused or not self.puller.open_request
        return waiting >= self.batch_size or (waiting > 0 and over)

    async def pause(self) -> None:
        await self.puller.drain()
        self._paused = True
        self._change.set()
        while self._waiting and not self.puller.waits_for_itself():
            self._taken.clear()
            await self._taken.wait()

    async def close(self) -> None:
        await self.puller.close()
        self._waiting.clear()

    @property
    def alive(self) -> bool:
        return self.puller.alive


def _nothing() -> None:
    """A request that ended unfilled needs no more than the next one."""
