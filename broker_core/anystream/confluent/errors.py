"""What goes wrong with librdkafka, as our own types.

Each one is the client's `KafkaException`, too, so that both `except` clauses work.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException

from anystream.core.exceptions import FastStreamException, OptionError, PublishError
from anystream.core.options import unknown_option
from anystream.kafka_common import errors as common
from anystream.kafka_common.errors import CommitFailed, ReplyTimeout

__all__ = (
    "CommitFailed",
    "ConsumeFailed",
    "DeliveryFailed",
    "MessageTooLarge",
    "ReplyTimeout",
    "TopicNotFound",
    "TransactionFailed",
    "option_error",
    "publish_error",
)


class DeliveryFailed(common.DeliveryFailed, KafkaException):
    """The server did not take a message, or did not say so in time."""

    def __str__(self) -> str:
        return str(self.args[-1])


class DeliveryTimeout(DeliveryFailed, TimeoutError):
    """The server did not say in time that it has a message; it may have it."""


class MessageTooLarge(common.MessageTooLarge, KafkaException):
    """A message is larger than the client or the server takes."""

    def __str__(self) -> str:
        return str(self.args[-1])


class TopicNotFound(common.TopicNotFound, PublishError, KafkaException):
    """A topic does not exist, and nobody may make it."""

    def __str__(self) -> str:
        return str(self.args[-1])


class TransactionFailed(PublishError, KafkaException):
    """A transaction could not be begun, committed or aborted."""

    def __str__(self) -> str:
        return str(self.args[-1])


class ConsumeFailed(FastStreamException, KafkaException):
    """librdkafka reports that a subscriber can receive nothing."""

    def __str__(self) -> str:
        return str(self.args[-1])


_TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
NO_TOPIC = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
_NO_ANSWER = (
    KafkaError._MSG_TIMED_OUT,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
)
_REFUSED = (
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
)


def inner(error: Any) -> KafkaError:
    """The client's error object of one of its exceptions, or the object itself."""
    if isinstance(error, KafkaException) and error.args:
        found = error.args[0]
        return found if isinstance(found, KafkaError) else KafkaError(KafkaError._FAIL, str(error))
    if isinstance(error, KafkaError):
        return error
    return KafkaError(KafkaError._FAIL, str(error))


def is_refused(error: Any) -> bool:
    """Whether the server knows the credentials not, or does not let them do this."""
    return inner(error).code() in _REFUSED


def publish_error(error: Any, topic: str, size: int) -> PublishError:
    """Our own error for a message that was not delivered.

    Args:
        error: the client's.
        topic: where it should have gone.
        size: bytes of the body.
    """
    cause = inner(error)
    code, text = cause.code(), cause.str()
    if code in _TOO_LARGE:
        return MessageTooLarge(
            cause,
            f"the message for {topic!r} has {size} bytes, more than is taken: send less, or raise "
            "max_request_size of the KafkaBroker and max.message.bytes of the topic",
        )
    if code in NO_TOPIC:
        return TopicNotFound(
            cause,
            f"publish to {topic!r}: {text}. Create the topic, or let the server do it "
            "(auto.create.topics.enable)",
        )
    if code in _NO_ANSWER:
        return DeliveryTimeout(
            cause,
            f"publish to {topic!r}: no confirmation of the server in time ({text}); it may have "
            "the message all the same",
        )
    if code == KafkaError._STATE:
        return DeliveryFailed(
            cause,
            f"publish to {topic!r}: {text}. With a transactional_id publish inside "
            "`async with broker.transaction():`",
        )
    if code in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT):
        text = "the broker was stopped before the server had confirmed it"
    if code in _REFUSED:
        text += ". Check the credentials and their rights"
    return DeliveryFailed(cause, f"publish to {topic!r}: {text}")


def option_error(error: KafkaException, keys: Any) -> OptionError | None:
    """Our own error for a key or a value of the configuration that librdkafka refuses.

    Args:
        error: what its constructor raised.
        keys: the names that there are.

    Returns:
        None if it is about something else.
    """
    cause = inner(error)
    text = cause.str()
    if cause.code() != KafkaError._INVALID_ARG:
        return None
    if text.startswith("No such configuration property"):
        name = text.partition('"')[2].partition('"')[0]
        return OptionError(unknown_option("KafkaBroker config", name, keys))
    return OptionError(f"KafkaBroker config: {text}")
