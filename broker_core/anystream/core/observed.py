"""What metrics and traces call the things that go through a broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from anystream.core.context import current_frame, outer_of


class ConsumeAttrs(NamedTuple):
    """What is measured of an incoming message.

    Args:
        destination_name: where it was published to.
        messages_count: 1, or the number of messages in a batch.
        message_size: length of the undecoded body in bytes; the sum in a batch.
    """

    destination_name: str
    messages_count: int
    message_size: int


_tuple = tuple.__new__  # what a named tuple does in twice the time, for every message


def nothing(_: Any) -> dict[str, Any]:
    """No attributes of its own."""
    return {}


@dataclass(frozen=True)
class Observed:
    """A broker as metrics and spans see it: the whole of what differs between brokers.

    Args:
        system: its name in labels and in `messaging.system`.
        consumed_from: the address that a message was published to; None when messages of its kind
            are not observed.
        published_to: the address that a command goes to.
        consume_attributes: attributes of a `process` span besides the common ones.
        publish_attributes: attributes of a `publish` span besides the common ones, or instead.
    """

    system: str
    consumed_from: Callable[[Any], str | None]
    published_to: Callable[[Any], str]
    consume_attributes: Callable[[Any], dict[str, Any]] = nothing
    publish_attributes: Callable[[Any], dict[str, Any]] = nothing

    def consumed(self, message: Any) -> ConsumeAttrs | None:
        """What is measured of a message; None when it is not observed."""
        destination = self.consumed_from(message)
        if destination is None:
            return None
        body = message.body
        if isinstance(body, list):
            return ConsumeAttrs(destination, len(body), sum(map(len, body)))
        return _tuple(ConsumeAttrs, (destination, 1, len(body)))


def destination_of(command: Any) -> str:
    """The address of a command, where that is all there is."""
    return command.destination  # type: ignore[no-any-return]


def knows_acknowledgement(message: Any) -> bool:
    """Whether anything can be told to the server about the message in hand.

    Messages of sources that know no acknowledgement count as acked from the start, whatever
    becomes of them.
    """
    frame = current_frame.get()
    while frame is not None:
        if isinstance(frame, tuple) and frame[1] is message:
            return bool(getattr(frame[2], "settles", True))
        frame = outer_of(frame)
    return True
