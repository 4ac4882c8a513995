"""What goes wrong with aiokafka, as our own types.

Each one is of the client library's type, too, so `except aiokafka.errors.KafkaError` and
`except anystream.core.exceptions.FastStreamException` both work.
"""

from __future__ import annotations

from typing import Any

from aiokafka import errors as native

from anystream.core.exceptions import BrokerConnectionError, OwnText
from anystream.kafka_common import errors as common


class KafkaConnectionFailed(OwnText, BrokerConnectionError, native.KafkaConnectionError):
    """No server can be reached, or it refuses."""


class AccessDenied(KafkaConnectionFailed):
    """The server does not let this client read a topic, or be a member of a group."""


class TopicNotFound(OwnText, common.TopicNotFound, native.UnknownTopicOrPartitionError):
    """A topic that is read or written does not exist, and nobody may make it."""


class MessageTooLarge(OwnText, common.MessageTooLarge, native.MessageSizeTooLargeError):
    """A message is larger than `max_request_size` or than the server takes."""


class DeliveryFailed(OwnText, common.DeliveryFailed, native.KafkaError):
    """The server did not take a message.

    Args:
        text: what happened.
        error: the client's error; what it says about another attempt (`retriable`) is kept.
    """

    def __init__(self, text: str, error: BaseException | None = None) -> None:
        super().__init__(text)
        self.retriable = bool(getattr(error, "retriable", False))


class DeliveryTimeout(DeliveryFailed, TimeoutError):
    """The server did not confirm a message in time; it may have it or not."""


class CommitFailed(OwnText, common.CommitFailed, native.KafkaError):
    """Offsets could not be committed: their messages may come again."""


_TOO_LARGE = (native.MessageSizeTooLargeError, native.RecordListTooLargeError)


def publish_error(error: Exception, command: Any, size: int, limit: int) -> Exception:
    """Our error for what the client raised while it published.

    Args:
        error: the client's.
        command: what was to be published.
        size: bytes of its body.
        limit: `max_request_size`.
    """
    topic = command.destination
    if isinstance(error, _TOO_LARGE):
        return MessageTooLarge(
            f"the message for {topic!r} has {size} bytes; this client takes {limit} with headers "
            "(max_request_size of the broker), the server what max.message.bytes of the topic "
            "says: send less, or raise both"
        )
    if isinstance(error, native.UnknownTopicOrPartitionError):
        return topic_not_found(f"publish to {topic!r}", topic)
    if isinstance(error, (native.KafkaTimeoutError, native.RequestTimedOutError)):
        return DeliveryTimeout(
            f"the server did not confirm the message for {topic!r} within request_timeout_ms: "
            "it may have it or not",
            error,
        )
    if isinstance(error, AssertionError):  # how the client refuses arguments
        return DeliveryFailed(
            f"publish to {topic!r}, partition {command.partition}: the client refuses it "
            f"({str(error) or 'no such partition'})"
        )
    if isinstance(error, native.KafkaError):
        return DeliveryFailed(f"publish to {topic!r}: {error!r}", error)
    return error


def topic_not_found(owner: str, topic: str) -> TopicNotFound:
    """The error of a topic that is missing."""
    return TopicNotFound(
        f"{owner}: there is no topic {topic!r}. Make it, or let this broker make it "
        "(allow_auto_create_topics=True, and the right to do so)"
    )
