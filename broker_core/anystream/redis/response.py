"""What goes out through Redis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from typing_extensions import Self

from anystream.core.response import BatchPublishCommand, PublishType, Response
from anystream.redis.parser import MessageFormat

CHANNEL = "channel"


class RedisPublishCommand(BatchPublishCommand):
    """One message to publish, or several for one list.

    Args:
        body, *bodies: what is published.
        destination: the name of the channel, list or stream.
        kind: which of them: `channel`, `list` or `stream`; None until a publisher says so.
        reply_to: the channel for answers.
        headers: headers to send.
        correlation_id: id of the conversation.
        maxlen: how many messages the stream keeps, approximately.
        pipeline: the client's pipeline that queues the command instead of sending it.
        message_format: how body and headers become one payload; the broker's by default.
        fallback_maxlen: the `maxlen` that one of the publisher's own replaces.
    """

    extra_bodies: Sequence[Any] = ()
    _takes_none = False  # whether a first body of None is one of the bodies

    def __init__(
        self,
        body: Any = None,
        /,
        *bodies: Any,
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
        if bodies:
            self.extra_bodies = bodies

    @classmethod
    def batch(cls, bodies: Sequence[Any], **options: Any) -> Self:
        """A command with several bodies for one list; None is one of them like any other.

        Args:
            bodies: what is published.
            **options: those of a single message, but `kind`.
        """
        command = cls(None, kind="list", **options)
        command.batch_bodies = tuple(bodies)
        return command

    @property
    def batch_bodies(self) -> tuple[Any, ...]:
        """All bodies; none if there is only one and that is None."""
        if self.body is None and not self._takes_none:
            return tuple(self.extra_bodies)
        return (self.body, *self.extra_bodies)

    @batch_bodies.setter
    def batch_bodies(self, value: Iterable[Any]) -> None:
        bodies = tuple(value)
        self.body = bodies[0] if bodies else None
        self.extra_bodies = bodies[1:]
        self._takes_none = bool(bodies)

    @property
    def destination_type(self) -> str:
        """Where it goes: to a `channel`, a `list` or a `stream`."""
        return self.kind or CHANNEL

    @destination_type.setter
    def destination_type(self, value: str) -> None:
        self.kind = value


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
            maxlen=self.maxlen,
            fallback_maxlen=self.maxlen,
            message_format=self.message_format,
        )
