"""The consumer that a stream keeps for a subscriber: made, found again, made anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, ConsumerInfo, DeliverPolicy

from anystream.core.exceptions import SetupError
from anystream.core.subscriber import Subscriber
from anystream.nats.connection import NatsConnection
from anystream.nats.consumer_changes import changed
from anystream.nats.server_version import require_server
from anystream.nats.source import NatsSource, wire_subject, wire_subjects
from anystream.nats.streams import Streams

# How long the server keeps a consumer without a name of its own when nobody reads from it: long
# enough for an outage, or for a handler that takes its time.
KEEP_UNNAMED = 300.0


class StreamConsumer:
    """The position of one subscriber in its stream.

    Args:
        connection: a connection that is up.
        subscriber: whose messages are read.
        streams: makes the stream where that is wanted.
    """

    def __init__(
        self, connection: NatsConnection, subscriber: Subscriber, streams: Streams
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.streams = streams
        self.source: NatsSource = subscriber.source
        self.stream = self.source.stream_name
        self.name = self.source.durable_name or ""
        self.seen = 0  # the highest stream sequence that was delivered before a loss

    @property
    def js(self) -> JetStreamContext:
        """The JetStream context of the connection."""
        js = self.connection.js
        if js is None:
            raise ConnectionError(f"{self.subscriber!r}: the broker is not connected")
        return js

    @property
    def unnamed(self) -> bool:
        """Whether the consumer goes with this subscriber."""
        return not self.source.durable_name

    def config(self) -> ConsumerConfig:
        """The configuration: the user's, what the arguments say, and where to go on."""
        source = self.source
        given = source.config or ConsumerConfig()
        filled: dict[str, Any] = {}
        if source.deliver_policy and given.deliver_policy in (None, DeliverPolicy.ALL):
            filled["deliver_policy"] = source.deliver_policy
        if source.headers_only is not None and given.headers_only is None:
            filled["headers_only"] = source.headers_only
        if self.unnamed and given.inactive_threshold is None:
            filled["inactive_threshold"] = KEEP_UNNAMED
        if self.seen:
            filled["deliver_policy"] = DeliverPolicy.BY_START_SEQUENCE
            filled["opt_start_seq"] = self.seen + 1
            filled["opt_start_time"] = None
        if source.filter_subjects:
            filled |= self._filters()
        return dataclasses.replace(given, **filled)

    def _filters(self) -> dict[str, Any]:
        subjects = wire_subjects(self.subscriber)
        if len(subjects) == 1:
            return {"filter_subject": subjects[0], "filter_subjects": None}
        require_server(
            self.connection.client,
            (2, 10),
            f"{self.subscriber!r}: a consumer with several filter_subjects",
            "take one subject with wildcards, or several subscribers",
        )
        return {"filter_subjects": subjects}

    async def find(self) -> ConsumerInfo | None:
        """The consumer at the server, None if it has none of that name."""
        if not self.name:
            return None
        try:
            info: ConsumerInfo = await self.js.consumer_info(self.stream, self.name)
        except nats.js.errors.NotFoundError:
            return None
        return info

    async def ensure(self) -> None:
        """Finds or makes the consumer for pulling.

        Raises:
            SetupError: there is one of that name for pushing, or the server refuses to make it.
        """
        await self.streams.declare_for(self.subscriber)
        found = await self.find()
        if found is None:
            await self._make()
            return
        if found.config.deliver_subject:
            raise SetupError(
                f"{self.subscriber!r}: the consumer {self.name!r} of stream {self.stream!r} is "
                "sent its messages and cannot be pulled from: take another durable name, or "
                "leave pull_sub out"
            )
        await self.update(found)

    async def update(self, found: ConsumerInfo) -> None:
        """Gives a consumer that is there the configuration that is declared now.

        Raises:
            SetupError: the server cannot change it in that way; says what differs.
        """
        wanted = self.config()
        if self.subscriber.address:
            wanted.filter_subject = wire_subject(self.subscriber)
        new = changed(found.config, wanted)
        if not new:
            return
        try:
            await self.js.add_consumer(self.stream, config=dataclasses.replace(found.config, **new))
        except nats.js.errors.APIError as error:
            differs = ", ".join(
                f"{name}={getattr(found.config, name)!r} (declared: {value!r})"
                for name, value in new.items()
            )
            raise SetupError(
                f"{self.subscriber!r}: the consumer {self.name!r} of stream {self.stream!r} is at "
                f"the server with {differs}, and that cannot be changed there "
                f"({error.description}): declare it as it is, take another durable name, or "
                "delete the consumer"
            ) from error

    async def _make(self) -> None:
        config = self.config()
        if self.source.durable_name:
            config.durable_name = self.source.durable_name
        if self.subscriber.address:
            config.filter_subject = wire_subject(self.subscriber)
        with explained(self.subscriber):
            info = await self.js.add_consumer(self.stream, config=config)
        self.name = info.name
        self.note_start(info)

    def note_start(self, info: ConsumerInfo) -> None:
        """Notes where a new consumer begins, to go on there if it is lost before it is used."""
        if info.delivered is not None and not info.num_pending:
            self.seen = max(self.seen, info.delivered.stream_seq)

    def note_last(self, reply: str) -> None:
        """Notes where to go on if the consumer has to be made anew.

        Args:
            reply: the reply subject of the message that came last, empty if none came.
        """
        self.seen = max(self.seen, stream_sequence(reply))

    async def look_back(self) -> None:
        """Looks whether the place where to go on is still there; makes the stream if it is not."""
        try:
            info = await self.js.stream_info(self.stream)
        except nats.js.errors.NotFoundError:
            self.seen = 0
            await self.streams.declare_again(self.stream)
            return
        if info.state.last_seq < self.seen:  # the stream itself is a new one
            self.seen = 0

    async def forget(self) -> None:
        """Removes the consumer from the server if it goes with this subscriber."""
        client = self.connection.client
        if self.unnamed and self.name and client is not None and client.is_connected:
            name, self.name = self.name, ""
            try:
                await self.js.delete_consumer(self.stream, name)
            except (nats.errors.Error, OSError):
                return  # the server removes it by itself after a while


@contextmanager
def explained(subscriber: Subscriber, stream: str = "") -> Iterator[None]:
    """Turns the client's errors about a subscription into ones that say what to do."""
    stream = stream or subscriber.source.stream_name
    try:
        yield
    except (nats.errors.Error, ValueError, TypeError) as error:
        raise SetupError(
            f"{subscriber!r} cannot read the stream {stream!r}: {error}; {_hint(error, stream)}"
        ) from error


def _hint(error: Exception, stream: str) -> str:
    if isinstance(error, nats.js.errors.NotFoundError):
        return f"there is no stream {stream!r}: declare it with JStream({stream!r})"
    if isinstance(error, (nats.js.errors.ServiceUnavailableError, nats.errors.TimeoutError)):
        return "JetStream does not answer; is it switched on (`nats-server -js`)?"
    if "already bound" in str(error):
        return "another subscriber has this durable; to share its messages give both a queue"
    return "check its stream, durable name and config"


def stream_sequence(reply: str) -> int:
    """The position in the stream of the message with this reply subject, 0 if it has none."""
    return delivery(reply)[0]


def delivery(reply: str) -> tuple[int, int, int]:
    """What a reply subject says of its message: the number in the stream, the number for this
    consumer, and how many more are there."""
    tokens = reply.split(".")
    if tokens[:2] != ["$JS", "ACK"]:
        return 0, 0, 0
    first = 5 if len(tokens) == 9 else 7
    return int(tokens[first]), int(tokens[first + 1]), int(tokens[first + 3])
