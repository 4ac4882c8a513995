"""Messages one by one, for `get_one` and iteration; subscribed to when first asked."""

from __future__ import annotations

import asyncio
from typing import Any

import nats.errors
from nats.aio.msg import Msg

from anystream.core.exceptions import IncorrectState
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Reader
from anystream.nats.connection import NatsConnection
from anystream.nats.consumer import StreamConsumer, explained
from anystream.nats.source import NatsSource, wire_subject
from anystream.nats.streams import Streams

ONE_REQUEST = 5.0


class CoreReader(Reader):
    """Reads a core subject; what was published before the first `get` is not seen."""

    def __init__(self, connection: NatsConnection, subscriber: Subscriber) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self._subscription: Any = None

    async def get(self, timeout: float | None) -> Msg | None:
        if self._subscription is None:
            source: NatsSource = self.subscriber.source
            client: Any = _client(self.connection, self.subscriber)
            self._subscription = await client.subscribe(
                wire_subject(self.subscriber), queue=source.queue, **source.pending_limits()
            )
        try:
            return await self._subscription.next_msg(timeout)  # type: ignore[no-any-return]
        except asyncio.TimeoutError:
            return None

    async def close(self) -> None:
        subscription, self._subscription = self._subscription, None
        await _unsubscribe(subscription)


class StreamReader(Reader):
    """Reads a stream by pulling, from where the consumer's configuration says."""

    def __init__(
        self, connection: NatsConnection, subscriber: Subscriber, streams: Streams
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.consumer = StreamConsumer(connection, subscriber, streams)
        self._subscription: Any = None

    async def get(self, timeout: float | None) -> Msg | list[Msg] | None:
        """The next message; for a subscriber of batches a batch of it alone."""
        if self._subscription is None:
            _client(self.connection, self.subscriber)
            await self.consumer.ensure()
            with explained(self.subscriber):
                self._subscription = await self.consumer.js.pull_subscribe_bind(
                    consumer=self.consumer.name, stream=self.consumer.stream
                )
        try:
            taken: list[Msg] = await self._subscription.fetch(1, timeout or ONE_REQUEST)
        except asyncio.TimeoutError:
            return None
        if not taken:
            return None
        return taken if self.subscriber.batch else taken[0]

    async def close(self) -> None:
        subscription, self._subscription = self._subscription, None
        await _unsubscribe(subscription)
        await self.consumer.forget()


def _client(connection: NatsConnection, subscriber: Subscriber) -> Any:
    if connection.client is None:
        raise IncorrectState(f"{subscriber!r} cannot read: its broker is not connected")
    return connection.client


async def _unsubscribe(subscription: Any) -> None:
    if subscription is not None:
        try:
            await subscription.unsubscribe()
        except (nats.errors.Error, OSError):
            return  # the connection is gone, and the subscription with it
