"""Messages that a stream sends in order, without acknowledgement."""

from __future__ import annotations

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed
from anystream.nats.connection import NatsConnection
from anystream.nats.consumer import StreamConsumer
from anystream.nats.ordered import OrderedConsumer
from anystream.nats.source import NatsSource, wire_subject
from anystream.nats.streams import Streams


class OrderedFeed(Feed):
    """A stream in order, see `OrderedConsumer`.

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
        source: NatsSource = subscriber.source
        config = StreamConsumer(connection, subscriber, streams).config()
        if subscriber.address:
            config.filter_subject = wire_subject(subscriber)
        config.idle_heartbeat = config.idle_heartbeat or source.idle_heartbeat
        self.reading = OrderedConsumer(
            connection,
            subscriber,
            deliver,
            stream=source.stream_name,
            config=config,
            make_stream=self._make_stream,
        )
        self.streams = streams
        self.subscriber = subscriber

    async def _make_stream(self, again: bool) -> None:
        if again:
            await self.streams.declare_again(self.subscriber.source.stream_name)
        else:
            await self.streams.declare_for(self.subscriber)

    async def open(self) -> None:
        await self.reading.open()

    async def pause(self) -> None:
        await self.reading.pause()

    async def close(self) -> None:
        await self.reading.close()

    @property
    def alive(self) -> bool:
        return self.reading.alive
