"""Errors of the client about a subscriber, with what to do about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis.exceptions

from anystream.core.exceptions import BrokerConnectionError, SetupError
from anystream.core.subscriber import Subscriber
from anystream.redis.exceptions import StreamClaimUnsupportedError, StreamGroupNotFoundError


@contextmanager
def explained(subscriber: Subscriber) -> Iterator[None]:
    """Turns the client's errors into ones that say who, what and what to do.

    Raises:
        BrokerConnectionError: the server is away.
        StreamGroupNotFoundError: the consumer group is gone.
        SetupError: the server refused.
    """
    try:
        yield
    except redis.exceptions.ResponseError as error:
        raise _refused(subscriber, error) from error
    except (redis.exceptions.RedisError, OSError) as error:
        raise BrokerConnectionError(f"{subscriber!r} has lost Redis: {error}") from error


def _refused(subscriber: Subscriber, error: redis.exceptions.ResponseError) -> Exception:
    text, source = str(error), subscriber.source
    if isinstance(error, (StreamGroupNotFoundError, StreamClaimUnsupportedError)):
        return error
    if is_group_gone(error):
        return StreamGroupNotFoundError(
            f"{subscriber!r}: the group {source.group!r} of the stream {subscriber.full_address!r} "
            "is gone, and recreate=False: make it again, or let the subscriber do it"
        )
    hint = "check its options and the user's rights"
    if text.startswith("WRONGTYPE"):
        hint = f"what is there under this name is no {source.kind}: delete it, or read another name"
    elif "unknown command" in text.lower() and "XAUTOCLAIM" in text.upper():
        return StreamClaimUnsupportedError(
            f"{subscriber!r}: this server cannot claim messages, it needs Redis 6.2"
        )
    elif "requires the key to exist" in text:
        hint = "there is no such stream: make it, or leave declare=False out"
    elif text.startswith("NOPERM") or isinstance(error, redis.exceptions.NoPermissionError):
        hint = "give the user the right to it (ACL)"
    return SetupError(f"{subscriber!r} cannot read {subscriber.full_address!r}: {text}; {hint}")


def is_group_gone(error: Exception) -> bool:
    """Whether the server says that the group, or its whole stream, does not exist."""
    return str(error).startswith(("NOGROUP", "UNBLOCKED"))
