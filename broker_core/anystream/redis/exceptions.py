"""What goes wrong with Redis, as our own types.

What the server refused is of the client library's type, too, so `except
redis.exceptions.ResponseError` and `except anystream.core.exceptions.FastStreamException` both
work.
"""

from __future__ import annotations

import redis.exceptions

from anystream.core.exceptions import (
    BrokerConnectionError,
    FastStreamException,
    PublishError,
    SubscriberNotFound,
)


class StreamGroupNotFoundError(FastStreamException, redis.exceptions.ResponseError):
    """The consumer group of a subscriber is gone, and it may not make it again."""

    __repr__ = Exception.__repr__  # the client's has no text


class StreamClaimUnsupportedError(FastStreamException, redis.exceptions.ResponseError):
    """The server cannot claim messages (`XAUTOCLAIM` needs Redis 6.2)."""

    __repr__ = Exception.__repr__


class CommandRefused(PublishError, redis.exceptions.ResponseError):
    """The server refused to take a message."""

    __repr__ = Exception.__repr__


class ServerAway(PublishError, BrokerConnectionError):
    """A message could not be handed to the server, or its answer did not come back."""


class NobodyListens(SubscriberNotFound, TimeoutError):
    """A request went to a channel that nobody subscribes to."""


class RequestTimeout(FastStreamException, TimeoutError):
    """Nobody answered a request in time."""
