"""From the arguments of `publish` and `request` to commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anystream.core.exceptions import OptionError
from anystream.rabbit.exchange import RabbitExchange
from anystream.rabbit.queue import RabbitQueue
from anystream.rabbit.response import RabbitPublishCommand

Queue = RabbitQueue | str | None
Exchange = RabbitExchange | str | None


def publish_command(
    message: Any, queue: Queue, exchange: Exchange, options: Any, *more: Any
) -> RabbitPublishCommand:
    """A command of what `publish` was given.

    Args:
        message: the body.
        queue: the queue; empty to leave the destination to the publisher.
        exchange: the exchange; None to leave it to the publisher.
        options: see `PublishOptions`; a dict that may be changed.
        *more: further bodies.
    """
    if not options:
        headers, key, reply_to, correlation_id = None, "", "", None
    else:
        take = options.pop
        headers = take("headers", None)
        key = take("routing_key", "")
        reply_to = take("reply_to", None) or ""
        correlation_id = take("correlation_id", None)
    return RabbitPublishCommand(
        message,
        *more,
        destination=key or routing_of(queue),
        exchange=None if exchange is None else RabbitExchange.of(exchange),
        reply_to=reply_to,
        correlation_id=correlation_id,
        headers=dict(headers) if headers else None,
        options=options,
    )


def batch_command(
    messages: Sequence[Any], queue: Queue, exchange: Exchange, options: Any
) -> RabbitPublishCommand:
    """A command with several bodies."""
    first, *more = messages or (None,)
    return publish_command(first, queue, exchange, options, *more)


def routing_of(queue: Queue) -> str:
    """The routing key of messages for a queue."""
    if not queue:
        return ""
    return queue if isinstance(queue, str) else RabbitQueue.of(queue).routing()


def check_timeout(timeout: Any) -> float:
    """Returns the seconds that a request may take.

    Raises:
        OptionError: it is no number above 0.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0:
        raise OptionError(
            f"request: timeout={timeout!r}: give seconds above 0; a request without an end would "
            "wait for ever when nobody answers"
        )
    return float(timeout)
