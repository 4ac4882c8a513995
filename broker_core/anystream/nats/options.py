"""The options of NATS brokers, subscribers and publishers, each written once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nats.js.api import ConsumerConfig, DeliverPolicy
from typing_extensions import TypedDict

from anystream.core import declaring as core
from anystream.core.broker import BrokerOptions
from anystream.nats.schemas import JStream, KvWatch, ObjWatch, PullSub


class JetStreamOptions(TypedDict, total=False):
    """Options of the JetStream context.

    Keys:
        prefix: of the API's subjects, `$JS.API` by default.
        domain: the JetStream domain, instead of a prefix.
        timeout: seconds for a request to the API, 5 by default.
        publish_async_max_pending: of the client's own `publish_async`.
    """

    prefix: str
    domain: str | None
    timeout: float
    publish_async_max_pending: int


class ClientOptions(TypedDict, total=False):
    """Options of the client library.

    Keys:
        error_cb: coroutine function, called with each error of the connection.
        disconnected_cb, reconnected_cb, closed_cb, discovered_server_cb, lame_duck_mode_cb:
            coroutine functions without arguments.
        name: how the connection is called at the server; `anystream` by default.
        pedantic, verbose: stricter, chattier protocol.
        allow_reconnect: whether a lost connection is tried again, True by default. The first
            connect tries each server twice at most, whatever these options say.
        connect_timeout: seconds for one attempt, 2 by default.
        reconnect_time_wait: seconds between attempts, 2 by default.
        max_reconnect_attempts: for each server, 60 by default; -1 for no limit.
        ping_interval: seconds between the client's own pings, 120 by default.
        max_outstanding_pings: how many may be unanswered, 2 by default.
        dont_randomize: take the servers in the given order.
        flusher_queue_size: of the client's writer.
        no_echo: do not receive what this connection publishes.
        tls_hostname, tls_handshake_first: see `NatsSecurity`.
        token: a token; better given through `security`.
        drain_timeout: seconds that subscriptions made on `broker.connection` get to drain at the
            end, 30 by default.
        signature_cb, user_jwt_cb, user_credentials, nkeys_seed, nkeys_seed_str: credentials;
            better given through `security`.
        inbox_prefix: of reply subjects, `_INBOX` by default.
        pending_size: bytes that are kept of what is published while the connection is away,
            2 MiB by default; more is refused.
        flush_timeout: seconds for a forced flush of that buffer.
        ws_connection_headers: for websocket connections.
        reconnect_to_server_handler: chooses the server.
    """

    error_cb: Callable[[Exception], Awaitable[None]] | None
    disconnected_cb: Callable[[], Awaitable[None]] | None
    reconnected_cb: Callable[[], Awaitable[None]] | None
    closed_cb: Callable[[], Awaitable[None]] | None
    discovered_server_cb: Callable[[], Awaitable[None]] | None
    lame_duck_mode_cb: Callable[[], Awaitable[None]] | None
    name: str | None
    pedantic: bool
    verbose: bool
    allow_reconnect: bool
    connect_timeout: float
    reconnect_time_wait: float
    max_reconnect_attempts: int
    ping_interval: float
    max_outstanding_pings: int
    dont_randomize: bool
    flusher_queue_size: int
    no_echo: bool
    tls_hostname: str | None
    tls_handshake_first: bool
    token: str | None
    drain_timeout: float
    signature_cb: Callable[[str], bytes] | None
    user_jwt_cb: Callable[[], bytes | bytearray] | None
    user_credentials: str | tuple[str, str] | Path | None
    nkeys_seed: str | None
    nkeys_seed_str: str | None
    inbox_prefix: str | bytes
    pending_size: int
    flush_timeout: float | None
    ws_connection_headers: dict[str, list[str]] | None
    reconnect_to_server_handler: Callable[..., Any] | None


class NatsBrokerOptions(BrokerOptions, ClientOptions, total=False):
    """Options of `NatsBroker`: those of every broker, those of the client, and these.

    Keys:
        js_options: see `JetStreamOptions`.
    """

    js_options: JetStreamOptions | None


class SubscriberOptions(core.SubscriberOptions, total=False):
    """Options of `subscriber`: those of every broker, and these.

    `max_workers` is 1 by default, with pull_sub its batch_size. `ack_policy` counts for streams:
    after an exception reject (default) gives the message up, nack lets it come again.

    Keys:
        stream: read from this stream instead of the core subject; its name or a `JStream`.
        pull_sub: ask the stream for messages; True or a `PullSub`.
        durable: the name under which the stream keeps the position.
        config: the consumer's configuration; the other options fill what it leaves open.
            `filter_subjects` in it can stand for the subject.
        ordered_consumer: in order and without acknowledgement (streams, not with pull_sub).
        idle_heartbeat: seconds between the stream's signs of life (streams, not with pull_sub).
        flow_control: let the client slow the stream down (streams, not with pull_sub).
        deliver_policy: where in the stream to begin; everything by default.
        headers_only: leave bodies out (streams).
        pending_msgs_limit, pending_bytes_limit: how much may wait in the client.
        max_msgs: end the subscription after so many messages (core subjects).
        inbox_prefix: of the subject for pulled messages.
        kv_watch: read the changes of a key-value bucket, its name or a `KvWatch`; the subject
            is a pattern of keys.
        obj_watch: read the changes of the object bucket that the subject names; True or an
            `ObjWatch`.
    """

    stream: str | JStream | None
    pull_sub: bool | PullSub | None
    durable: str | None
    config: ConsumerConfig | None
    ordered_consumer: bool
    idle_heartbeat: float | None
    flow_control: bool | None
    deliver_policy: DeliverPolicy | None
    headers_only: bool | None
    pending_msgs_limit: int | None
    pending_bytes_limit: int | None
    max_msgs: int
    inbox_prefix: str | bytes
    kv_watch: str | KvWatch | None
    obj_watch: bool | ObjWatch


# Those that can be given by position, after subject and queue.
POSITIONAL = (
    "pending_msgs_limit",
    "pending_bytes_limit",
    "max_msgs",
    "durable",
    "config",
    "ordered_consumer",
    "idle_heartbeat",
    "flow_control",
    "deliver_policy",
    "headers_only",
    "pull_sub",
    "kv_watch",
    "obj_watch",
    "inbox_prefix",
    "stream",
    "dependencies",
    "parser",
    "decoder",
    "codec",
    "persistent",
    "max_workers",
    "ack_policy",
    "no_reply",
    "title",
    "description",
    "include_in_schema",
)


class PublisherOptions(core.PublisherOptions, total=False):
    """Options of `publisher`: those of every broker, and these.

    Keys:
        stream: the stream that takes the messages; its acknowledgement is awaited.
        timeout: seconds to wait for that, 0.5 by default.
    """

    stream: str | JStream | None
    timeout: float | None
