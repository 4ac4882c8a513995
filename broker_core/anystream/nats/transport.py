"""The NATS transport: sending, asking, and which feed reads what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import PubAck

from anystream.core.address import nats_template
from anystream.core.exceptions import BrokerConnectionError, IncorrectState, PublishError
from anystream.core.response import PublishType
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed, Parse, Reader, Transport
from anystream.nats.buckets import Buckets
from anystream.nats.connection import NatsConnection
from anystream.nats.core_feed import CoreFeed
from anystream.nats.errors import (
    BufferFull,
    NoResponders,
    NoStream,
    PayloadTooLarge,
    RequestTimeout,
    StreamFailed,
    StreamRefused,
)
from anystream.nats.message import (
    batch_parser,
    core_parser,
    key_parser,
    object_parser,
    stream_parser,
)
from anystream.nats.ordered_feed import OrderedFeed
from anystream.nats.pull_feed import BatchFeed, PullFeed
from anystream.nats.push_feed import PushFeed
from anystream.nats.readers import CoreReader, StreamReader
from anystream.nats.response import NatsPublishCommand
from anystream.nats.server_version import require_server
from anystream.nats.source import NatsSource
from anystream.nats.streams import Streams
from anystream.nats.watch_feed import WatchFeed, WatchReader

if TYPE_CHECKING:
    from anystream.core.router import Router

STREAM_TIMEOUT = 0.5
START_TIMEOUT = 5.0

_PARSERS: dict[str, Callable[[Any], Parse]] = {
    "core": core_parser,
    "batch": batch_parser,
    "keys": key_parser,
    "objects": object_parser,
}


@cache
def _without_template(make: Callable[[Any], Parse]) -> Parse:
    """The parser for subjects that capture nothing: one for all such subscribers."""
    return make(None)


_STREAM_FEEDS: dict[str, Callable[..., Feed]] = {
    "push": PushFeed,
    "ordered": OrderedFeed,
    "pull": PullFeed,
}


class NatsTransport(Transport):
    """Sends and receives through one connection.

    Args:
        connection: the connection.
        declarations: what is declared, for its streams.
    """

    def __init__(self, connection: NatsConnection, declarations: Router) -> None:
        self.connection = connection
        self.streams = Streams(connection, declarations)
        self.buckets = Buckets()
        self._client: Any = None
        self._publish: Callable[..., Awaitable[None]] = _not_connected

    @property
    def native(self) -> Any:
        return self.connection.client

    @property
    def jetstream(self) -> JetStreamContext | None:
        """The client's JetStream context; None while not connected."""
        return self.connection.js

    async def connect(self) -> Any:
        self.streams.forget()
        self._client = await self.connection.connect()
        self._publish = self._client.publish
        return self._client

    async def close(self) -> None:
        self._client, self._publish = None, _not_connected
        await self.connection.close()

    async def ping(self, timeout: float | None) -> bool:
        return await self.connection.ping(timeout)

    def known_health(self) -> bool | None:
        return self.connection.known_health()

    @property
    def given_up(self) -> bool:
        return self.connection.given_up

    async def prepare(self, subscribers: Sequence[Subscriber]) -> None:
        await self.streams.declare_all()

    async def started(self) -> None:
        await self.connection.round_trip(START_TIMEOUT)
        if self.connection.denied:
            raise BrokerConnectionError(
                f"NATS at {self.connection.address} does not let this user subscribe: "
                f"{'; '.join(self.connection.denied)}. Check the user's permissions"
            )

    def parser(self, subscriber: Subscriber | None) -> Parse:
        if subscriber is None:
            return _without_template(core_parser)
        template = nats_template(subscriber.full_address)
        captured = template if template.names else None
        make = _PARSERS.get(subscriber.source.kind, stream_parser)
        return _without_template(make) if captured is None else make(captured)

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> Feed:
        source: NatsSource = subscriber.source
        if source.watches:
            return WatchFeed(self.connection, subscriber, deliver, self.buckets)
        if source.kind == "core":
            return CoreFeed(self.connection, subscriber, deliver)
        if source.kind == "batch":
            return BatchFeed(self.connection, subscriber, self.streams)
        make = _STREAM_FEEDS[source.kind]
        return make(self.connection, subscriber, deliver, self.streams)

    def reader(self, subscriber: Subscriber) -> Reader:
        source: NatsSource = subscriber.source
        if source.watches:
            return WatchReader(self.connection, subscriber, self.buckets)
        if source.kind == "core":
            return CoreReader(self.connection, subscriber)
        return StreamReader(self.connection, subscriber, self.streams)

    async def send(  # type: ignore[override]
        self, command: NatsPublishCommand, data: bytes, headers: dict[str, Any]
    ) -> PubAck | None:
        try:
            if command.stream is not None or command.schedule is not None:
                return await self._send_special(command, data, headers)
            await self._publish(command.destination, data, command.reply_to, headers)
        except Exception as error:
            raise self._explained(error, command, data) from error
        return None

    async def _send_special(
        self, command: NatsPublishCommand, data: bytes, headers: dict[str, Any]
    ) -> PubAck | None:
        if command.schedule is not None:
            require_server(self._client, (2, 12), f"the schedule for {command.destination!r}")
            headers.update(command.schedule.headers())
        if command.stream is None or command.publish_type is PublishType.REPLY:
            await self._publish(command.destination, data, command.reply_to, headers)
            return None
        if command.reply_to:
            headers["reply_to"] = command.reply_to
        js = self.connection.js
        if js is None:
            raise nats.errors.ConnectionClosedError
        return await js.publish(
            command.destination,
            data,
            timeout=STREAM_TIMEOUT if command.timeout is None else command.timeout,
            stream=command.stream,
            headers=headers,
        )

    async def request(  # type: ignore[override]
        self, command: NatsPublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Msg:
        try:
            if command.stream is not None:
                return await self._request_through_stream(command, data, headers, timeout)
            answer: Msg = await self._client.request(
                command.destination, data, timeout=timeout, headers=headers
            )
            return answer
        except (NoStream, StreamRefused, StreamFailed):
            raise
        except nats.errors.NoRespondersError as error:
            raise NoResponders(
                f"nobody answers on {command.destination!r}: no subscriber takes it"
            ) from error
        except asyncio.TimeoutError as error:
            raise RequestTimeout(
                f"no answer on {command.destination!r} within {timeout} seconds"
            ) from error
        except Exception as error:
            raise self._explained(error, command, data) from error

    async def _request_through_stream(
        self, command: NatsPublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Msg:
        """The answer comes to an inbox of its own: the native one gets the acknowledgement."""
        deadline = asyncio.get_running_loop().time() + timeout
        command.reply_to = self._client.new_inbox()
        command.timeout = timeout
        inbox = await self._client.subscribe(command.reply_to, max_msgs=1)
        try:
            await self.send(command, data, headers)
            left = deadline - asyncio.get_running_loop().time()
            answer: Msg = await inbox.next_msg(max(left, 0.001))
            return answer
        finally:
            if not self._client.is_closed and not inbox._closed:
                await inbox.unsubscribe()

    def _explained(self, error: Exception, command: NatsPublishCommand, data: bytes) -> Exception:
        subject = command.destination
        if isinstance(error, nats.errors.MaxPayloadError):
            return PayloadTooLarge(
                f"the message for {subject!r} has {len(data)} bytes, the server takes "
                f"{self._client.max_payload}: send less, or raise max_payload of the server"
            )
        if isinstance(error, nats.errors.OutboundBufferLimitError):
            return BufferFull(
                f"the message for {subject!r} cannot be kept: NATS is away, and the "
                f"{self.connection.options['pending_size']} bytes for that time (pending_size) "
                "are full"
            )
        if isinstance(error, nats.js.errors.NoStreamResponseError):
            return NoStream(f"no stream takes {subject!r}, so not {command.stream!r} either")
        if isinstance(error, nats.js.errors.APIError):
            bad = isinstance(error, nats.js.errors.BadRequestError)
            verb, kind = ("refused", StreamRefused) if bad else ("could not take", StreamFailed)
            text = f"stream {command.stream!r} {verb} a message for {subject!r}"
            return kind(f"{text}: {error.description}", error)
        return self._explained_input(error, command)

    def _explained_input(self, error: Exception, command: NatsPublishCommand) -> Exception:
        subject = command.destination
        if isinstance(error, nats.errors.BadSubjectError):
            return PublishError(f"publish: {subject!r} is no subject (empty, or white space in it)")
        if isinstance(error, nats.errors.BadHeaderError):
            return PublishError(f"publish to {subject!r}: {error.key!r} is no name of a header")
        if isinstance(error, (AttributeError, TypeError)):
            wrong = {k: v for k, v in command.headers.items() if not isinstance(v, str)}
            if wrong:
                return PublishError(f"publish to {subject!r}: headers must be str, got {wrong!r}")
        if isinstance(error, nats.errors.ConnectionClosedError):
            return IncorrectState(
                f"publish to {subject!r}: the connection to NATS at {self.connection.address} is "
                "closed"
            )
        if isinstance(error, asyncio.TimeoutError):
            return RequestTimeout(
                f"stream {command.stream!r} did not acknowledge a message for {subject!r} in time"
            )
        if isinstance(error, nats.errors.Error):
            return PublishError(f"publish to {subject!r}: {error}")
        return error


async def _not_connected(*_: Any, **__: Any) -> None:
    raise nats.errors.ConnectionClosedError
