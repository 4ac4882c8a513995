"""What goes out through Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anystream.core.response import BatchPublishCommand, PublishCommand, PublishType, Response
from anystream.redis.parser import MessageFormat

CHANNEL = "channel"


class RedisPublishCommand(PublishCommand):
    """One message to publish.

    Args:
        body: what is published.
        destination: the name of the channel, list or stream.
        kind: which of them: `channel`, `list` or `stream`; None until a publisher says so.
        reply_to: the channel for answers.
        headers: headers to send.
        correlation_id: id of the conversation.
        maxlen: how many messages the stream keeps, approximately.
        pipeline: the client's pipeline that queues the command instead of sending it.
        message_format: how body and headers become one payload; the broker's by default.
        fallback_maxlen: `maxlen` if neither the caller nor the publisher has one.
    """

    def __init__(
        self,
        body: Any,
        *,
        _publish_type: PublishType = PublishType.PUBLISH,
        reply_to: str = "",
        destination: str = "",
        correlation_id: str | None = None,
        headers: dict[str, Any] | None = None,
        kind: str | None = None,
        maxlen: int | None = None,
        pipeline: Any = None,
        message_format: type[MessageFormat] | None = None,
        fallback_maxlen: int | None = None,
    ) -> None:
        # written out: this runs for every message
        self.body = body
        self.headers = {} if headers is None else headers
        self.correlation_id = correlation_id
        self.destination = destination
        self.reply_to = reply_to
        self.publish_type = _publish_type
        self.kind = kind
        self.maxlen = maxlen
        self.pipeline = pipeline
        self.message_format = message_format
        self.fallback_maxlen = fallback_maxlen


class RedisBatchPublishCommand(BatchPublishCommand):
    """Several bodies for one list.

    Args:
        *bodies: what is published.
        destination: the name of the list.
        pipeline: the client's pipeline that queues the command instead of sending it.
        message_format: how each body becomes a payload; the broker's by default.
    """

    kind = "list"

    def __init__(
        self,
        *bodies: Any,
        reply_to: str = "",
        destination: str = "",
        correlation_id: str | None = None,
        headers: dict[str, Any] | None = None,
        pipeline: Any = None,
        message_format: type[MessageFormat] | None = None,
    ) -> None:
        super().__init__(
            None,
            *bodies,
            reply_to=reply_to,
            destination=destination,
            correlation_id=correlation_id,
            headers=headers,
        )
        self.pipeline = pipeline
        self.message_format = message_format

    @property
    def batch_bodies(self) -> tuple[Any, ...]:
        """All bodies; None is one of them like any other."""
        return tuple(self.extra_bodies)

    @batch_bodies.setter
    def batch_bodies(self, value: Sequence[Any]) -> None:
        self.extra_bodies = tuple(value)


class RedisResponse(Response):
    """A handler's answer with what Redis knows besides the body.

    Args:
        body: what is published.
        headers: additional headers.
        correlation_id: id of the conversation; that of the incoming message when not given.
        maxlen: how many messages the publisher's stream keeps, unless the publisher says so.
        message_format: how body and headers become one payload; the publisher's by default.
    """

    def __init__(
        self,
        body: Any = None,
        *,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        maxlen: int | None = None,
        message_format: type[MessageFormat] | None = None,
    ) -> None:
        super().__init__(body, headers=headers, correlation_id=correlation_id)
        self.maxlen = maxlen
        self.message_format = message_format

    def as_publish_command(self) -> RedisPublishCommand:
        return RedisPublishCommand(
            self.body,
            headers=self.headers,
            correlation_id=self.correlation_id,
            fallback_maxlen=self.maxlen,
            message_format=self.message_format,
        )
