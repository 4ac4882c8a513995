"""What a RabbitMQ subscriber reads, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anystream.core.exceptions import OptionError, SetupError
from anystream.core.subscriber import Subscriber
from anystream.rabbit.channel import Channel
from anystream.rabbit.declarer import Declarer
from anystream.rabbit.errors import NotDeclared
from anystream.rabbit.exchange import ExchangeType, RabbitExchange
from anystream.rabbit.options import SubscriberOptions
from anystream.rabbit.queue import RabbitQueue

BATCH = 100


@dataclass(frozen=True)
class RabbitSource:
    """What is read: a queue, as it was declared (without prefixes), and its exchange.

    Args:
        queue: the queue.
        exchange: the exchange that it is bound to.
        channel: the settings of the channel; None for a channel of its own.
        consume_args: the server's arguments for the consumer.
        max_workers: how many messages are handled at once, if it was said.
    """

    queue: RabbitQueue
    exchange: RabbitExchange
    channel: Channel | None = None
    consume_args: Mapping[str, Any] | None = None
    max_workers: int | None = None

    def __str__(self) -> str:
        return self.queue.name


def make_source(
    queue: RabbitQueue | str, exchange: RabbitExchange | str | None, options: SubscriberOptions
) -> RabbitSource:
    """Makes the source of a subscriber.

    Raises:
        SetupError: no queue, or no exchange.
        OptionError: an option has a wrong value.
    """
    made = RabbitQueue.of(queue)
    owner = f"subscriber({made.name!r})"
    channel = options.get("channel")
    if channel is not None and not isinstance(channel, Channel):
        raise OptionError(f"{owner}: channel={channel!r} is no Channel")
    arguments = options.get("consume_args")
    if arguments is not None and not isinstance(arguments, Mapping):
        raise OptionError(f"{owner}: consume_args={arguments!r} is no dict of arguments")
    if not made.name and not made.exclusive and made.declare:
        raise SetupError(
            f"{owner}: a queue without a name gets one from the server and nobody else knows it: "
            "give a name, or exclusive=True"
        )
    asked = options.get("max_workers")
    return RabbitSource(made, RabbitExchange.of(exchange), channel, arguments, asked)


def workers(source: RabbitSource, default: Channel | None, *, batch: bool) -> int:
    """How many messages are handled at once.

    Args:
        source: what is read.
        default: the channel settings of the broker, as far as they are known.
        batch: messages come in lists.
    """
    if source.max_workers is not None:
        return source.max_workers
    settings = source.channel or default
    return (settings.prefetch_count if settings and not batch else None) or 1


def prefetch(subscriber: Subscriber, default: Channel | None) -> int:
    """How many messages the consumer may hold: twice the workers, unless a channel says more."""
    source: RabbitSource = subscriber.source
    settings = source.channel or default
    if settings is not None and settings.prefetch_count is not None:
        return settings.prefetch_count
    return min(BATCH * subscriber.workers if subscriber.batch else 2 * subscriber.workers, 65535)


def full_queue(subscriber: Subscriber) -> RabbitQueue:
    """The queue with the prefixes of the subscriber's routers."""
    source: RabbitSource = subscriber.source
    return source.queue.add_prefix(subscriber.merged.prefix)


async def declare_source(declarer: Declarer, subscriber: Subscriber, *, again: bool) -> str:
    """Declares queue, exchange and binding; returns the queue's name at the server.

    Args:
        declarer: declares.
        subscriber: whose they are.
        again: it was done before on an earlier connection.

    Raises:
        SetupError: the server refuses; see `errors`.
    """
    queue, exchange = full_queue(subscriber), subscriber.source.exchange
    owner = repr(subscriber)
    try:
        name = await declarer.queue(queue, owner)
        if not again or await _may_declare(declarer, exchange):
            await declarer.exchange(exchange, owner)
        await declarer.bind(name, queue, exchange, owner)
    except NotDeclared:
        # one of them may have been deleted after it was declared
        declarer.forget(queue.name)
        declarer.forget(exchange.name)
        raise
    return name


async def _may_declare(declarer: Declarer, exchange: RabbitExchange) -> bool:
    # An unknown type costs the whole connection, so after a reconnect (the plugin may have been
    # taken away meanwhile) an exchange of a plugin is looked for before it is declared.
    if not exchange.robust:
        return False
    plugin = exchange.type in (
        ExchangeType.X_DELAYED_MESSAGE,
        ExchangeType.X_CONSISTENT_HASH,
        ExchangeType.X_MODULUS_HASH,
    )
    return not plugin or not await declarer.exists(exchange)
