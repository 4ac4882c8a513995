"""What goes out: the response of a handler and the commands that publish middlewares see."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from typing_extensions import Self


class PublishType(str, Enum):
    """Why something is published."""

    PUBLISH = "PUBLISH"
    REPLY = "REPLY"
    REQUEST = "REQUEST"


class Response:
    """A handler's answer with headers.

    Args:
        body: what is published.
        headers: additional headers.
        correlation_id: id of the conversation; that of the incoming message when not given.
    """

    def __init__(
        self,
        body: Any,
        *,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
    ) -> None:
        self.body = body
        self.headers: dict[str, Any] = headers or {}
        self.correlation_id = correlation_id

    def get_publish_key(self) -> Any:
        """The partition key of the answer, None where the broker has none."""
        return None

    def as_publish_command(self) -> PublishCommand:
        """Turns the answer into a command; a broker's own response adds its options."""
        return PublishCommand(
            self.body,
            _publish_type=PublishType.PUBLISH,
            headers=self.headers,
            correlation_id=self.correlation_id,
        )


class PublishCommand(Response):
    """One thing to send; publish middlewares may change it.

    Args:
        body: what is published.
        destination: the address (subject, topic, queue, …).
        reply_to: the address for answers.
        headers: headers to send.
        correlation_id: id of the conversation.
    """

    answers: str | None = None
    """Of a reply: the correlation id of the message that it answers; it may have another one."""

    def __init__(
        self,
        body: Any,
        *,
        _publish_type: PublishType = PublishType.PUBLISH,
        reply_to: str = "",
        destination: str = "",
        correlation_id: str | None = None,
        headers: dict[str, Any] | None = None,
    ) -> None:
        self.body = body
        self.headers = {} if headers is None else headers
        self.correlation_id = correlation_id
        self.destination = destination
        self.reply_to = reply_to
        self.publish_type = _publish_type

    @property
    def batch_bodies(self) -> tuple[Any, ...]:
        """The body as a tuple, empty for None."""
        return () if self.body is None else (self.body,)

    def add_headers(self, headers: dict[str, Any], *, override: bool = True) -> None:
        """Adds headers; `override=False` keeps those that are there."""
        self.headers = {**self.headers, **headers} if override else {**headers, **self.headers}

    @classmethod
    def of(cls, body: Any, correlation_id: str | None) -> Self:
        """A command with nothing but a body. It is made for every answer: a broker's own class
        may do it faster than with its constructor."""
        return cls(body, correlation_id=correlation_id)

    @classmethod
    def from_cmd(cls, cmd: PublishCommand) -> Self:
        """Makes this broker's command of another broker's."""
        if type(cmd) is cls:
            return cmd
        return cls(
            cmd.body,
            _publish_type=cmd.publish_type,
            reply_to=cmd.reply_to,
            destination=cmd.destination,
            correlation_id=cmd.correlation_id,
            headers=cmd.headers,
        )


class BatchPublishCommand(PublishCommand):
    """Several bodies for one address."""

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
    ) -> None:
        super().__init__(
            body,
            _publish_type=_publish_type,
            reply_to=reply_to,
            destination=destination,
            correlation_id=correlation_id,
            headers=headers,
        )
        self.extra_bodies: Sequence[Any] = bodies

    @property
    def batch_bodies(self) -> tuple[Any, ...]:
        """All bodies; a first body of None counts as none."""
        return (() if self.body is None else (self.body,)) + tuple(self.extra_bodies)

    @batch_bodies.setter
    def batch_bodies(self, value: Sequence[Any]) -> None:
        self.body = value[0] if value else None
        self.extra_bodies = tuple(value[1:])


def ensure_response(value: Any) -> Response:
    """Wraps a handler's return value unless it is a `Response` already."""
    return value if isinstance(value, Response) else Response(value)
