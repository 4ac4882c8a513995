"""What goes wrong with Kafka, as our own types; the clients' packages add the client's own."""

from __future__ import annotations

from anystream.core.exceptions import FastStreamException, PublishError, SetupError


class TopicNotFound(PublishError, SetupError):
    """A topic that is read or written does not exist, and nobody may make it."""


class MessageTooLarge(PublishError):
    """A message is larger than the client or the server takes."""


class DeliveryFailed(PublishError):
    """The server did not take a message, or did not say so in time."""


class CommitFailed(FastStreamException):
    """Offsets could not be committed: their messages may come again."""


class ReplyTimeout(FastStreamException, TimeoutError):
    """Nobody answered a request in time."""


class BatchBufferOverflowException(PublishError):
    """A batch does not fit into the client's buffer.

    Args:
        message_position: the place of the first body that did not fit.
    """

    def __init__(self, message_position: int) -> None:
        super().__init__(message_position)
        self.message_position = message_position

    def __str__(self) -> str:
        return (
            f"the batch is full before its message {self.message_position}: publish less at once, "
            "or raise max_batch_size of the broker"
        )
