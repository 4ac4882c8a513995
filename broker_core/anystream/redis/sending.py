"""What every Redis broker has: publishing, asking, and what documents say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anystream.core.publisher import Publisher
from anystream.core.response import PublishCommand
from anystream.core.subscriber import Subscriber
from anystream.redis.connection import RedisConnection
from anystream.redis.publishing import destination_of
from anystream.redis.response import RedisPublishCommand
from anystream.redis.schemas import StreamSub

_SENDING = {"channel": "publish", "list": "rpush", "stream": "xadd"}


if TYPE_CHECKING:  # a mixin: the broker classes derive from it and from `Broker`
    from anystream.core.broker import Broker as _Broker
else:
    _Broker = object


class RedisSending(_Broker):
    """The part that the brokers on one server, on sentinels and on a cluster have in common."""

    kind = "redis"
    address_column = "channel"
    command_class: type[PublishCommand] = RedisPublishCommand
    default_request_timeout = 30.0

    redis: RedisConnection

    async def publish(
        self,
        message: Any = None,
        channel: Any = None,
        *,
        reply_to: str = "",
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        list: Any = None,
        stream: Any = None,
        maxlen: int | None = None,
        pipeline: Any = None,
    ) -> Any:
        """Publishes a message. Give one of `channel`, `list` and `stream`.

        Args:
            message: the body.
            channel: the channel; only those who subscribe now get it.
            reply_to: the channel for answers.
            headers: sent with it; str or bytes.
            correlation_id: id of the conversation; a new one by default.
            list: the list that it is appended to.
            stream: the stream that it is added to.
            maxlen: how many messages the stream keeps, approximately.
            pipeline: the client's pipeline that queues the command instead of sending it.

        Returns:
            What Redis says: receivers, length of the list, or the message's id in the stream;
            with a pipeline, the pipeline.

        Raises:
            SetupError: no destination, or several.
            IncorrectState: not connected.
            PublishError: a header or body that cannot be encoded; `CommandRefused`: Redis does not
                take it; `ServerAway`: the connection was lost, it may have been taken or not.
        """
        kind: str | None = "channel"
        name: str = channel
        if type(channel) is not str or not channel or list or stream:
            kind, name = destination_of({"channel": channel, "list": list, "stream": stream})
        command = RedisPublishCommand(
            message,
            destination=name,
            kind=kind,
            headers=headers,
            reply_to=reply_to,
            correlation_id=correlation_id,
            maxlen=maxlen,
            pipeline=pipeline,
        )
        return await self.publish_command(command)

    async def publish_batch(
        self,
        *messages: Any,
        list: Any = None,
        correlation_id: str | None = None,
        reply_to: str = "",
        headers: dict[str, Any] | None = None,
        pipeline: Any = None,
    ) -> Any:
        """Appends several messages to a list, in one command.

        Args:
            *messages: the bodies.
            list: the list.
            correlation_id: id of the conversation, of all of them; a new one each by default.
            reply_to: the channel for answers.
            headers: sent with each.
            pipeline: the client's pipeline that queues the command instead of sending it.

        Returns:
            The length of the list.

        Raises:
            SetupError: no list.
            PublishError: see `publish`.
        """
        command = RedisPublishCommand.batch(
            messages,
            destination=destination_of({"list": list})[1],
            headers=headers,
            reply_to=reply_to,
            correlation_id=correlation_id,
            pipeline=pipeline,
        )
        return await self.publish_batch_command(command)

    async def request(
        self,
        message: Any = None,
        channel: Any = None,
        *,
        list: Any = None,
        stream: Any = None,
        maxlen: int | None = None,
        correlation_id: str | None = None,
        headers: dict[str, Any] | None = None,
        timeout: float = 30.0,
    ) -> Any:
        """Publishes a message and returns the answer's message.

        All requests of a broker share one subscription, which is made at the first of them.

        Args:
            timeout: seconds to wait for the answer.

        Raises:
            TimeoutError: nobody answered in time; or at once as `NobodyListens`, if nobody
                subscribes to the channel.
        """
        kind, name = destination_of({"channel": channel, "list": list, "stream": stream})
        command = RedisPublishCommand(
            message,
            destination=name,
            kind=kind,
            headers=headers,
            correlation_id=correlation_id,
            maxlen=maxlen,
        )
        return await self.request_command(command, timeout)

    def fill_command(self, command: Any, options: Mapping[str, Any]) -> None:
        if command.kind is None:
            command.kind = options["target"]
        if command.message_format is None:
            command.message_format = options.get("message_format")
        if command.kind == "stream":
            kept, fallback = command.maxlen, command.fallback_maxlen
            if not kept or kept == fallback:  # nobody who publishes has said it
                command.maxlen = options.get("maxlen") or fallback

    def command_to(
        self, declared: Subscriber | Publisher, address: str, body: Any
    ) -> PublishCommand:
        """A command whose message that very subscriber gets."""
        return RedisPublishCommand(body, destination=address, kind=_kind_of(declared))

    def channel_bindings(self, declared: Subscriber | Publisher, address: str) -> Mapping[str, Any]:
        """The name, the command that reads or writes it, and the group."""
        from anystream.redis.source import wire_channel

        found: dict[str, Any] = {"channel": address}
        kind = _kind_of(declared)
        if isinstance(declared, Publisher):
            method = _SENDING[kind]
        else:
            what = declared.source.what
            method = "lpop"
            if kind == "channel":
                method = "psubscribe" if wire_channel(address, what)[1] else "subscribe"
            elif isinstance(what, StreamSub):
                method = "xreadgroup" if what.group else "xread"
                if what.group:
                    found.update(groupName=what.group, consumerName=what.consumer)
        return {"redis": {**found, "method": method, "bindingVersion": "custom"}}


def _kind_of(declared: Subscriber | Publisher) -> str:
    if isinstance(declared, Publisher):
        return str(declared.options["target"])
    return str(declared.source.kind)
