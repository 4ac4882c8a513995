"""The options of RabbitMQ brokers, subscribers, publishers and messages, each written once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from typing_extensions import TypedDict

from anystream.core import declaring as core
from anystream.core.broker import BrokerOptions
from anystream.rabbit.channel import Channel

Moment = datetime | timedelta | int | float


class LinkOptions(TypedDict, total=False):
    """Options that the client library's connection takes.

    Keys:
        client_properties: what the server shows of this client.
        timeout: seconds for one attempt to connect, 3 by default.
        fail_fast: True (default) raises when the first connect fails; False goes on trying.
        reconnect_interval: seconds between attempts after a long outage, 5 by default; at its
            beginning they are shorter.
    """

    client_properties: Mapping[str, Any] | None
    timeout: float | None
    fail_fast: bool
    reconnect_interval: float


class Callbacks(TypedDict, total=False):
    """What is called when the state of the connection changes.

    Keys:
        on_close: called (with the error or None) when the connection is lost.
        on_reconnected: called when it is there again.
    """

    on_close: Callable[[BaseException | None], Awaitable[None] | None] | None
    on_reconnected: Callable[[], Awaitable[None] | None] | None


class RabbitBrokerOptions(BrokerOptions, LinkOptions, Callbacks, total=False):
    """Options of `RabbitBroker`: those of every broker, those of the connection, and these.

    Keys:
        host, port, virtualhost: in place of those of the URL.
        ssl_options: `cafile`, `capath`, `cadata`, `keyfile`, `certfile`, `no_verify_ssl`, for TLS
            without a context of one's own.
        heartbeat: seconds without a sign of life after which the server gives the connection up,
            60 by default. (A dead connection is noticed by this side within about 8 seconds.)
        default_channel: the settings of the channel for publishing; given, subscribers without a
            channel of their own share one real channel with these settings.
        app_id: the application's name in every message.
    """

    host: str | None
    port: int | None
    virtualhost: str | None
    ssl_options: Mapping[str, Any] | None
    heartbeat: int | None
    default_channel: Channel | None
    app_id: str | None


class SubscriberOptions(core.SubscriberOptions, total=False):
    """Options of `subscriber`: those of every broker, and these.

    `max_workers` is the channel's `prefetch_count` if that is given, else 1. `ack_policy`: after
    an exception reject (default) gives the message up (to the dead letter exchange, if the queue
    has one), nack puts it back into the queue.

    Keys:
        channel: the settings of its channel; subscribers with the same object share the channel.
        consume_args: the server's arguments for this consumer, such as
            `{"x-stream-offset": "first"}` or `{"x-priority": 10}`.
        batch: handlers take a list of all bodies that wait, at most `prefetch_count` (100 if it
            is not given).
    """

    channel: Channel | None
    consume_args: Mapping[str, Any] | None
    batch: bool


class LastingOptions(TypedDict, total=False):
    """Options of a message that can be the same for many.

    Keys:
        mandatory: the server gives the message back when no queue takes it; True by default.
        immediate: not supported by any RabbitMQ since 3.0, so True is refused.
        timeout: seconds until the server must have confirmed it; `publish_timeout` of the broker,
            else 10, when not given.
        persist: it survives a restart of the server (in a durable queue); False by default.
        content_type: MIME type, instead of that of the body.
        content_encoding: for example `gzip`.
        expiration: after which time the server drops it: seconds, a timedelta, or a datetime.
        message_type: the type, as both sides understand it.
        user_id: the user; the server refuses any other than that of the connection.
        priority: from 0; queues need `x-max-priority`.
    """

    mandatory: bool
    immediate: bool
    timeout: float | None
    persist: bool
    content_type: str | None
    content_encoding: str | None
    expiration: Moment | None
    message_type: str | None
    user_id: str | None
    priority: int | None


class ResponseOptions(LastingOptions, total=False):
    """Options of one answer.

    Keys:
        headers: sent with it; values keep their types.
        correlation_id: id of the conversation; that of the incoming message when not given.
        message_id: id of the message; the client makes one up when not given.
        timestamp: when it was made; now when not given.
    """

    headers: Mapping[str, Any] | None
    correlation_id: str | None
    message_id: str | None
    timestamp: Moment | None


class RequestOptions(ResponseOptions, total=False):
    """Options of `request`.

    Keys:
        routing_key: the key, instead of the queue's.
    """

    routing_key: str


class PublishOptions(RequestOptions, total=False):
    """Options of `publish`.

    Keys:
        reply_to: where answers go: a queue, or `queue|exchange`.
    """

    reply_to: str | None


class PublisherOptions(core.PublisherOptions, LastingOptions, total=False):
    """Options of `publisher`: those of every broker, those of messages, and these.

    Keys:
        routing_key: the key, instead of the queue's.
    """

    routing_key: str


LASTING = frozenset(LastingOptions.__optional_keys__)
"""What a command takes from its publisher when it is left open."""
