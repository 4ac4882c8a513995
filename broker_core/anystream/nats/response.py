"""What goes out through NATS."""

from __future__ import annotations

from typing import Any

from typing_extensions import Self

from anystream.core.response import PublishCommand, PublishType, Response
from anystream.nats.schemas import Schedule


class NatsPublishCommand(PublishCommand):
    """One message to publish.

    Args:
        body: what is published.
        destination: the subject.
        reply_to: the subject for answers.
        headers: headers to send.
        correlation_id: id of the conversation.
        stream: the stream that must take it; its acknowledgement is awaited then.
        timeout: seconds to wait for that acknowledgement; 0.5 by default.
        schedule: when the stream shall deliver it, and where.

    `stream_of_answer` says that the stream is the wish of a handler's `NatsResponse`: then that
    of the publisher comes first.
    """

    destination = ""
    reply_to = ""
    publish_type = PublishType.PUBLISH
    stream: str | None = None
    timeout: float | None = None
    schedule: Schedule | None = None
    stream_of_answer = False

    @classmethod
    def of(cls, body: Any, correlation_id: str | None) -> Self:
        command = cls.__new__(cls)  # what is not set here is as the class has it
        command.body = body
        command.headers = {}
        command.correlation_id = correlation_id
        return command

    def __init__(
        self,
        body: Any,
        *,
        _publish_type: PublishType = PublishType.PUBLISH,
        reply_to: str = "",
        destination: str = "",
        correlation_id: str | None = None,
        headers: dict[str, Any] | None = None,
        stream: str | None = None,
        timeout: float | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        # written out: this runs for every message
        self.body = body
        self.headers = {} if headers is None else headers
        self.correlation_id = correlation_id
        self.destination = destination
        self.reply_to = reply_to
        self.publish_type = _publish_type
        self.stream = stream
        self.timeout = timeout
        self.schedule = schedule


class NatsResponse(Response):
    """A handler's answer with what NATS knows besides the body.

    Args:
        body: what is published.
        headers: additional headers.
        correlation_id: id of the conversation; that of the incoming message when not given.
        stream: the stream that the handler's publishers publish to, unless they have their own.
            Replies are never published to a stream.
        schedule: when the stream shall deliver it, and where.
    """

    def __init__(
        self,
        body: Any,
        *,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        stream: str | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(body, headers=headers, correlation_id=correlation_id)
        self.stream = stream
        self.schedule = schedule

    def as_publish_command(self) -> NatsPublishCommand:
        command = NatsPublishCommand(
            self.body,
            headers=self.headers,
            correlation_id=self.correlation_id,
            stream=self.stream,
            schedule=self.schedule,
        )
        command.stream_of_answer = True
        return command
