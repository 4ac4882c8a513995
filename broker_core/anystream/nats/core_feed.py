"""Messages of a core subject."""

from __future__ import annotations

from typing import Any

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed
from anystream.nats.connection import NatsConnection
from anystream.nats.intake import Intake
from anystream.nats.source import NatsSource, wire_subject


class CoreFeed(Feed):
    """The client calls `deliver` for each message.

    Args:
        connection: a connection that is up.
        subscriber: whose messages they are.
        deliver: takes a native message.
    """

    def __init__(
        self, connection: NatsConnection, subscriber: Subscriber, deliver: Deliver
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.deliver = deliver
        self._intake: Intake | None = None

    async def open(self) -> None:
        client: Any = self.connection.client
        source: NatsSource = self.subscriber.source
        subscription = await client.subscribe(
            wire_subject(self.subscriber),
            queue=source.queue,
            cb=self.deliver,
            max_msgs=source.max_msgs,
            **source.pending_limits(),
        )
        self._intake = Intake(self.connection, subscription, self.subscriber)

    async def pause(self) -> None:
        if self._intake is not None:
            await self._intake.drain()
            self._intake = None

    async def close(self) -> None:
        intake, self._intake = self._intake, None
        if intake is not None:
            await intake.end()

    @property
    def alive(self) -> bool:
        return self._intake is not None and self._intake.alive
