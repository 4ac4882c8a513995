"""Messages that a stream sends by itself."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from nats.js.api import ConsumerInfo, DeliverPolicy

from anystream.core.exceptions import SetupError
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed
from anystream.nats.connection import NatsConnection
from anystream.nats.consumer import StreamConsumer, explained
from anystream.nats.intake import Intake
from anystream.nats.repair import Repair
from anystream.nats.source import NatsSource, wire_subject
from anystream.nats.streams import Streams

LOOK_EVERY = 3.0  # a consumer that was deleted at the server is silent, so it is looked for


class PushFeed(Feed):
    """The client calls `deliver` for each message; after an outage the consumer is looked after.

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
        self.connection = connection
        self.subscriber = subscriber
        self.deliver = deliver
        self.consumer = StreamConsumer(connection, subscriber, streams)
        self._intake: Intake | None = None
        self._repair = Repair(connection, subscriber, self._restore)
        self._timer: asyncio.TimerHandle | None = None
        self._received = 0

    async def open(self) -> None:
        await self._subscribe()
        self._repair.needed = False
        self.connection.reconnected.add(self._repair.start)
        self._look_later()

    async def _subscribe(self) -> None:
        consumer = self.consumer
        await consumer.streams.declare_for(self.subscriber)
        with explained(self.subscriber):
            found = await consumer.find()
        if found is not None:
            await self._take_over(found)
        with explained(self.subscriber):
            if found is not None and consumer.unnamed:  # after a pause
                subscription = await self._bind(found)
            else:
                subscription = await self._make()
        consumer.name = subscription._consumer
        self._received = 0
        self._intake = Intake(self.connection, subscription, self.subscriber)

    async def _take_over(self, found: ConsumerInfo) -> None:
        if not found.config.deliver_subject:
            raise SetupError(
                f"{self.subscriber!r}: the consumer {found.name!r} of stream "
                f"{found.stream_name!r} is pulled from and sends nothing by itself: add "
                "pull_sub=True, or take another durable name"
            )
        await self.consumer.update(found)

    async def _make(self) -> Any:
        source: NatsSource = self.subscriber.source
        consumer = self.consumer
        config = consumer.config()
        subscription = await consumer.js.subscribe(
            wire_subject(self.subscriber) or config.filter_subject or "",
            queue=source.group or None,
            cb=self.deliver,
            durable=source.durable_name,
            stream=source.stream_name,
            config=config,
            manual_ack=True,
            idle_heartbeat=config.idle_heartbeat or source.idle_heartbeat,
            flow_control=bool(config.flow_control or source.flow_control),
            **source.pending_limits(),
        )
        if config.deliver_policy not in (None, DeliverPolicy.ALL):
            consumer.note_start(await subscription.consumer_info())
        return subscription

    async def _bind(self, found: ConsumerInfo) -> Any:
        source: NatsSource = self.subscriber.source
        return await self.consumer.js.subscribe_bind(
            stream=source.stream_name,
            config=found.config,
            consumer=found.name,
            cb=self.deliver,
            manual_ack=True,
            **source.pending_limits(),
        )

    def _look_later(self) -> None:
        seconds = LOOK_EVERY * random.uniform(0.8, 1.2)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._look_later()
        if self._intake is None or not self.connection.is_up:
            return
        received = self._intake.subscription.delivered
        if received == self._received:
            self._repair.start(certain=False)
        self._received = received

    async def _restore(self) -> None:
        """Makes the consumer anew if the server has forgotten it."""
        found = await self.consumer.find()
        if self._intake is None or found is None or not self._is_sent_to_us(found):
            self._repair.needed = True
            await self._open_again()

    def _is_sent_to_us(self, found: ConsumerInfo) -> bool:
        # another member of the queue group may have made it anew, with another address
        inner = getattr(self._intake, "subscription", None)
        return found.config.deliver_subject == getattr(inner, "subject", None)

    async def _open_again(self) -> None:
        intake, self._intake = self._intake, None
        if intake is not None:
            self.consumer.note_last(_last_reply(intake.subscription))
            try:
                await intake.drain()
            except BaseException:
                self._intake = intake
                raise
        await self.consumer.look_back()
        await self._subscribe()

    async def _stop_looking(self) -> None:
        self.connection.reconnected.discard(self._repair.start)
        if self._timer is not None:
            self._timer.cancel()
        await self._repair.end()

    async def pause(self) -> None:
        await self._stop_looking()
        if self._intake is not None:
            self.consumer.note_last(_last_reply(self._intake.subscription))
            await self._intake.drain()
            self._intake = None

    async def close(self) -> None:
        await self._stop_looking()
        intake, self._intake = self._intake, None
        if intake is not None:
            await intake.end()
        await self.consumer.forget()

    @property
    def alive(self) -> bool:
        return not self._repair.needed and self._intake is not None and self._intake.alive


def _last_reply(subscription: Any) -> str:
    """The reply subject of the last message, as the client keeps it for its own checks."""
    state = getattr(getattr(subscription, "_sub", None), "_jsi", None)
    return getattr(state, "_cmeta", None) or ""
