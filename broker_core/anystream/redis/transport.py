"""The Redis transport: sending, asking, and which feed reads what."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import redis.exceptions

from anystream.core.exceptions import IncorrectState, PublishError
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed, Parse, Reader, Transport
from anystream.redis.channel_feed import ChannelFeed
from anystream.redis.connection import RedisConnection
from anystream.redis.exceptions import (
    CommandRefused,
    NobodyListens,
    RequestTimeout,
    ServerAway,
)
from anystream.redis.globs import redis_template
from anystream.redis.group_feed import GroupFeed
from anystream.redis.inbox import Inbox
from anystream.redis.list_feed import ListFeed
from anystream.redis.message import BODY, batch_parser, single_parser
from anystream.redis.parser import BinaryMessageFormatV1, MessageFormat, pack, with_reply
from anystream.redis.readers import FeedReader
from anystream.redis.response import RedisPublishCommand
from anystream.redis.stream_feed import StreamFeed

if TYPE_CHECKING:
    from anystream.core.broker import Broker


class RedisTransport(Transport):
    """Sends and receives through lines of our own; pipelines are the client's.

    Args:
        connection: the connection.
        message_format: how body and headers become one payload, if nobody else says so.
    """

    def __init__(self, connection: RedisConnection, message_format: type[MessageFormat]) -> None:
        self.connection = connection
        self.message_format = message_format
        self.broker: Broker | None = None
        self._inbox: Inbox | None = None

    @property
    def native(self) -> Any:
        return self.connection.client

    async def connect(self) -> Any:
        client = await self.connection.connect()
        self._inbox = Inbox(self.connection)
        return client

    async def close(self) -> None:
        inbox, self._inbox = self._inbox, None
        if inbox is not None:
            await inbox.close()
        await self.connection.close()

    async def ping(self, timeout: float | None) -> bool:
        return await self.connection.ping(timeout)

    def known_health(self) -> bool | None:
        return self.connection.known_health()

    def parser(self, subscriber: Subscriber | None) -> Parse:
        if subscriber is None:
            return single_parser("channel", self.message_format, None)
        form = subscriber.source.message_format or self.message_format
        kind = subscriber.source.kind
        if subscriber.batch:
            return batch_parser(kind, form)
        template = redis_template(subscriber.full_address) if kind == "channel" else None
        captured = template if template is not None and template.names else None
        return single_parser(kind, form, captured)

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> Feed:
        return self._feed(subscriber, subscriber.source.what)

    def _feed(self, subscriber: Subscriber, what: Any) -> Feed:
        if what.kind == "channel":
            return ChannelFeed(self.connection, subscriber, what)
        if what.kind == "list":
            return ListFeed(self.connection, subscriber, what)
        kind = GroupFeed if what.group else StreamFeed
        return kind(self.connection, subscriber, what)

    def reader(self, subscriber: Subscriber) -> Reader:
        what = subscriber.source.what
        if what.kind == "list":  # of a batch subscriber, batches of one
            what = replace(what, max_records=1, prefetch=1)
        elif what.kind == "stream":
            what = replace(what, max_records=1)
        return FeedReader(self._feed(subscriber, what), patient=what.kind == "channel")

    async def payload(self, command: Any, data: bytes, headers: dict[str, Any]) -> bytes:
        """Body and headers as one payload."""
        form = command.message_format or self.message_format
        if form is BinaryMessageFormatV1:
            if command.reply_to:
                headers = with_reply(headers, command.reply_to)
            return pack(data, headers)
        broker = self.broker
        return await form.encode(
            message=command.body,
            reply_to=command.reply_to,
            headers=command.headers,
            correlation_id=command.correlation_id,
            serializer=broker.serializer if broker else None,
            codec=broker.layer.codec if broker else None,
        )

    async def send(  # type: ignore[override]
        self, command: RedisPublishCommand, data: bytes, headers: dict[str, Any]
    ) -> Any:
        payload = await self.payload(command, data, headers)
        name = command.destination
        if not name:
            raise PublishError("publish: You have to specify `channel`, `list` or `stream`")
        kind = command.kind
        if kind == "list":
            words: tuple[Any, ...] = ("RPUSH", name, payload)
        elif kind == "stream":
            limit = ("MAXLEN", "~", command.maxlen) if command.maxlen else ()
            words = ("XADD", name, *limit, "*", BODY, payload)
        else:
            words = ("PUBLISH", name, payload)
        return await self._run(command, words)

    async def _run(self, command: Any, words: tuple[Any, ...]) -> Any:
        name = command.destination
        if command.pipeline is not None:
            if not self.connection.servers.cluster:
                return command.pipeline.execute_command(*words)
            text = "a cluster has no pipelines over all its nodes: pipeline= is ignored"
            warnings.warn(f"publish to {name!r}: {text}", RuntimeWarning, stacklevel=2)
        try:
            return await self.connection.command(name, *words)
        except redis.exceptions.ResponseError as error:
            raise CommandRefused(f"Redis refused a message for {name!r}: {error}") from error
        except (redis.exceptions.RedisError, OSError) as error:
            if self.connection.client is None:
                raise IncorrectState("the broker was stopped while it published") from error
            reason = str(error).rstrip(".")
            raise ServerAway(
                f"the message for {name!r} was not confirmed by Redis at "
                f"{self.connection.address}: {reason}. It may have been taken or not"
            ) from error

    async def send_batch(  # type: ignore[override]
        self, command: RedisPublishCommand, batch: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> Any:
        if not batch:
            return 0
        payloads = await self.payloads(command, batch)
        return await self._run(command, ("RPUSH", command.destination, *payloads))

    async def payloads(
        self, command: RedisPublishCommand, batch: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> list[bytes]:
        """The payloads of several bodies."""
        made = []
        for body, (data, headers) in zip(command.batch_bodies, batch, strict=True):
            one = RedisPublishCommand(
                body,
                headers=command.headers,
                reply_to=command.reply_to,
                correlation_id=command.correlation_id,
                message_format=command.message_format,
            )
            made.append(await self.payload(one, data, headers))
        return made

    async def request(  # type: ignore[override]
        self, command: RedisPublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Any:
        inbox = self._inbox
        if inbox is None:
            raise IncorrectState("the broker is not connected: await `broker.connect()` first")
        # one timer around all of it: each `wait_for` costs a task
        asked = self._asked(inbox, command, data, headers)
        try:
            return await asyncio.wait_for(asked, timeout)
        except NobodyListens:
            raise
        except asyncio.TimeoutError:
            raise RequestTimeout(
                f"no answer on {command.destination!r} within {timeout} seconds"
            ) from None

    async def _asked(
        self, inbox: Inbox, command: RedisPublishCommand, data: bytes, headers: dict[str, Any]
    ) -> Any:
        command.reply_to, future = await inbox.expect()
        try:
            taken = await self.send(command, data, headers)
            if taken == 0 and command.kind in (None, "channel") and self._counts_all():
                raise NobodyListens(
                    f"nobody answers on {command.destination!r}: no subscriber takes it"
                )
            return await future
        finally:
            inbox.forget(command.reply_to)

    def _counts_all(self) -> bool:
        # a node of a cluster counts its own subscribers only
        return not self.connection.servers.cluster
