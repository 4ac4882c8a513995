"""What goes out through Kafka."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from typing_extensions import Self

from anystream.core.response import BatchPublishCommand, PublishCommand, PublishType, Response


class KafkaResponse(Response):
    """A handler's answer, or one body of a batch, with what Kafka knows besides.

    Args:
        body: what is published.
        headers: additional headers.
        correlation_id: id of the conversation; that of the incoming message when not given.
        timestamp_ms: the record's time, milliseconds since 1970; now by default.
        key: the record's key, which chooses the partition.
    """

    def __init__(
        self,
        body: Any,
        *,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        timestamp_ms: int | None = None,
        key: Any = None,
    ) -> None:
        super().__init__(body, headers=headers, correlation_id=correlation_id)
        self.timestamp_ms = timestamp_ms
        self.key = key

    def get_publish_key(self) -> Any:
        return self.key

    def as_publish_command(self) -> KafkaPublishCommand:
        command = KafkaPublishCommand(
            self.body,
            headers=self.headers,
            correlation_id=self.correlation_id,
            timestamp_ms=self.timestamp_ms,
            key=self.key,
        )
        command.one_record = True
        return command


KafkaPublishMessage = KafkaResponse


class KafkaPublishCommand(BatchPublishCommand):
    """One record, or several for one topic.

    Args:
        message, *messages: the bodies; a `KafkaResponse` brings its own key, headers and time.
        topic: where they go.
        key: the key of each record that has none of its own.
        partition: the partition; chosen by the key when not given.
        timestamp_ms: the time of each record that has none of its own.
        headers: headers to send.
        correlation_id: id of the conversation.
        reply_to: the topic for answers.
        no_confirm: do not wait until the server has it.
        timeout: seconds to wait for the answer to a request.
    """

    one_record = False  # a list in it is one body, not the bodies of a batch

    def __init__(
        self,
        message: Any = None,
        /,
        *messages: Any,
        topic: str = "",
        _publish_type: PublishType = PublishType.PUBLISH,
        key: Any = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        reply_to: str = "",
        no_confirm: bool = False,
        timeout: float = 0.5,
    ) -> None:
        # written out: this runs for every message
        self.body = message
        self.headers = {} if headers is None else headers
        self.correlation_id = correlation_id
        self.destination = topic
        self.reply_to = reply_to
        self.publish_type = _publish_type
        self.key = key
        self.partition = partition
        self.timestamp_ms = timestamp_ms
        self.no_confirm = no_confirm
        self.timeout = timeout
        self._parts: Sequence[tuple[Any, Response | None]] | None = None
        if messages:
            self.batch_bodies = (message, *messages)

    @property
    def topic(self) -> str:
        """Where it goes; the same as `destination`."""
        return self.destination

    @topic.setter
    def topic(self, value: str) -> None:
        self.destination = value

    @property
    def batch_bodies(self) -> tuple[Any, ...]:
        """All bodies; none if there is only one and that is None."""
        if self._parts is None:
            return () if self.body is None else (self.body,)
        return tuple(body for body, _ in self._parts)

    @batch_bodies.setter
    def batch_bodies(self, value: Iterable[Any]) -> None:
        old, new = self._parts or (), list(value)
        self._parts = [_part(body, place, old, len(new)) for place, body in enumerate(new)]
        self.body = self._parts[0][0] if self._parts else None

    @property
    def extra_bodies(self) -> tuple[Any, ...]:
        """The bodies of a batch after the first one, which is `body`."""
        return tuple(body for body, _ in self._parts[1:]) if self._parts else ()

    @extra_bodies.setter
    def extra_bodies(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, value: Iterable[Any]
    ) -> None:
        self.batch_bodies = (self.body, *value)

    def part(self, place: int) -> Response | None:
        """The `KafkaResponse` that one body of a batch came in, None for a bare body."""
        return self._parts[place][1] if self._parts else None

    def key_for(self, place: int) -> Any:
        """The key of one body of a batch: its own, else that of the command."""
        own = self.part(place)
        key = own.get_publish_key() if own is not None else None
        return self.key if key is None else key

    def headers_for(self, place: int) -> dict[str, Any]:
        """Headers of one body that are not those of the whole batch."""
        own = self.part(place)
        if own is None:
            return {}
        id_ = {"correlation_id": own.correlation_id} if own.correlation_id else {}
        return {**id_, **own.headers}

    def timestamp_for(self, place: int) -> int | None:
        """The time of one body of a batch: its own, else that of the command."""
        own = getattr(self.part(place), "timestamp_ms", None)
        return self.timestamp_ms if own is None else own

    @classmethod
    def from_cmd(cls, cmd: PublishCommand) -> Self:
        if type(cmd) is cls:
            return cmd
        return cls(
            cmd.body,
            topic=cmd.destination,
            _publish_type=cmd.publish_type,
            headers=cmd.headers,
            correlation_id=cmd.correlation_id,
            reply_to=cmd.reply_to,
        )


def _part(
    body: Any, place: int, old: Sequence[tuple[Any, Response | None]], count: int
) -> tuple[Any, Response | None]:
    """A body with the response that it came in, also after a middleware has changed the bodies:
    the same object keeps its key wherever it stands, a changed one at its place."""
    if isinstance(body, Response):
        return body.body, body
    if place < len(old) and old[place][0] is body:
        return body, old[place][1]
    for known, own in old:
        if known is body:
            return body, own
    return body, old[place][1] if len(old) == count else None
