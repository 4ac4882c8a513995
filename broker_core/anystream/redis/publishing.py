"""Publishing: through a broker, and through declared publishers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anystream.core.exceptions import FeatureNotSupportedException, SetupError
from anystream.core.publisher import Publisher
from anystream.core.response import PublishCommand
from anystream.redis.declared import schema_of
from anystream.redis.response import RedisPublishCommand
from anystream.redis.schemas import ListSub, PubSub, StreamSub


def destination_of(given: dict[str, Any], *, needed: bool = True) -> tuple[str | None, str]:
    """The kind and the name of what is published to.

    Args:
        given: what was given as `channel`, `list` and `stream`, names or schemas.
        needed: whether there must be one.

    Raises:
        SetupError: there is none, or there are several.
    """
    kind, name = None, ""
    for option, value in given.items():
        if value:
            if kind is not None:
                raise SetupError(f"publish: you can't use `{kind}` and `{option}` together")
            kind, name = option, value if isinstance(value, str) else value.name
    if kind is None and needed:
        raise SetupError("publish: You have to specify `channel`, `list` or `stream`")
    return kind, name


class RedisPublisherObject(Publisher):
    """A declared channel, list or stream to publish to.

    `channel`, `list` and `stream` have the prefixes of its routers. Only the one it was declared
    with is there, the others raise `AttributeError`.
    """

    @property
    def channel(self) -> PubSub:
        """The channel that it publishes to."""
        found: PubSub = self._schema("channel")
        return found

    @property
    def list(self) -> ListSub:
        """The list that it appends to."""
        found: ListSub = self._schema("list")
        return found

    @property
    def stream(self) -> StreamSub:
        """The stream that it adds to."""
        found: StreamSub = self._schema("stream")
        return found

    @property
    def headers(self) -> dict[str, Any]:
        """The headers of each of its messages, as declared."""
        return self.options["headers"] or {}

    @property
    def reply_to(self) -> str:
        """The channel for answers to its messages, as declared; empty for none."""
        return self.options["reply_to"] or ""

    def _schema(self, kind: str) -> Any:
        return schema_of(self, self.options["what"], kind, self.destination)

    async def publish(
        self,
        message: Any = None,
        channel: Any = None,
        reply_to: str = "",
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        *,
        list: Any = None,
        stream: Any = None,
        maxlen: int | None = None,
        pipeline: Any = None,
    ) -> Any:
        """Publishes to this channel, list or stream, or to another one.

        Args:
            message: the body.
            channel, list, stream: instead of the declared destination; the first positional
                argument names another one of the declared kind.
            reply_to: the channel for answers.
            headers: sent besides the declared ones.
            correlation_id: id of the conversation; a new one by default.
            maxlen: how many messages the stream keeps, approximately.
            pipeline: the client's pipeline that queues the command instead of sending it.

        Returns:
            What Redis says: receivers, length of the list, or the message's id in the stream.

        Raises:
            PublishError: it could not be sent, see `RedisBroker.publish`.
        """
        kind, name = self._elsewhere({"channel": channel, "list": list, "stream": stream})
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

    async def request(
        self,
        message: Any = None,
        channel: Any = None,
        *,
        list: Any = None,
        stream: Any = None,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        maxlen: int | None = None,
        timeout: float = 30.0,
    ) -> Any:
        """Publishes and returns the answer's message.

        Args:
            timeout: seconds to wait for the answer.

        Raises:
            TimeoutError: nobody answered in time, or nobody listens on the channel.
        """
        kind, name = self._elsewhere({"channel": channel, "list": list, "stream": stream})
        command = RedisPublishCommand(
            message,
            destination=name,
            kind=kind,
            headers=headers,
            correlation_id=correlation_id,
            maxlen=maxlen,
        )
        return await self.request_command(command, timeout)

    async def publish_batch(
        self,
        *messages: Any,
        list: Any = None,
        correlation_id: str | None = None,
        reply_to: str = "",
        headers: dict[str, Any] | None = None,
        pipeline: Any = None,
    ) -> Any:
        """Publishes several bodies to this list, or to another one, in one command.

        Args:
            *messages: the bodies.
            list: instead of the declared list.
            correlation_id: id of the conversation, of all of them.
            reply_to: the channel for answers.
            headers: sent with each, besides the declared ones.
            pipeline: the client's pipeline that queues the command instead of sending it.

        Returns:
            The length of the list.

        Raises:
            FeatureNotSupportedException: it is a channel or a stream, and no list is given.
        """
        if not list and self.options["target"] != "list":
            raise FeatureNotSupportedException(f"{self!r} cannot publish batches: only lists can")
        command = RedisPublishCommand.batch(
            messages,
            destination=destination_of({"list": list}, needed=False)[1],
            headers=headers,
            reply_to=reply_to,
            correlation_id=correlation_id,
            pipeline=pipeline,
        )
        return await self.publish_batch_command(command)

    def _elsewhere(self, given: dict[str, Any]) -> tuple[str | None, str]:
        """What the caller named instead of the declared destination, if anything."""
        own = self.options["target"]
        if own != "channel" and isinstance(given["channel"], str) and given["channel"]:
            given = {**dict.fromkeys(given), own: given["channel"]}
        return destination_of(given, needed=False)

    def takes(self, command: PublishCommand) -> bool:
        kind = getattr(command, "kind", None) or "channel"
        return bool(kind == self.options["target"]) and super().takes(command)


class BatchPublisherObject(RedisPublisherObject):
    """A declared list that several bodies are published to at once."""

    async def publish(self, *messages: Any, **options: Any) -> Any:
        """Publishes several bodies, see `publish_batch`."""
        return await self.publish_batch(*messages, **options)

    async def publish_command(
        self, command: PublishCommand, middlewares: Sequence[Any] | None = None
    ) -> Any:
        """Publishes a batch; of a handler's result that is no list or tuple, a batch of one."""
        return await self.publish_batch_command(_as_batch(command), middlewares)

    async def request(self, *_: Any, **__: Any) -> Any:
        """There is no answer to a batch.

        Raises:
            FeatureNotSupportedException: always.
        """
        raise FeatureNotSupportedException(f"{self!r} publishes batches, and cannot ask")


def _as_batch(command: PublishCommand) -> RedisPublishCommand:
    if isinstance(command, RedisPublishCommand) and command.extra_bodies:
        return command
    bodies = command.body
    return RedisPublishCommand.batch(
        bodies if isinstance(bodies, (list, tuple)) else [bodies],
        _publish_type=command.publish_type,
        destination=command.destination,
        headers=command.headers,
        reply_to=command.reply_to,
        correlation_id=command.correlation_id,
        message_format=getattr(command, "message_format", None),
    )
