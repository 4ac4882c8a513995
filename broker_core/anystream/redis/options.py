"""The options of Redis brokers, subscribers and publishers, each written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from anystream.core import declaring as core
from anystream.core.broker_options import BrokerOptions
from anystream.redis.parser import MessageFormat


class ClientOptions(TypedDict, total=False):
    """Options of the client library's connections; they win over the URL.

    Keys:
        host, port, db: instead of those in the URL.
        username, password: better given through `security`.
        client_name: how the connections are called at the server.
        connection_class: the client's class for connections.
        health_check_interval: seconds, of the client for your own commands.
        max_connections: of the client's pool, and how many publishes run at once; subscribers have
            a connection each besides.
        socket_timeout: seconds that an answer may take, 5 by default.
        socket_connect_timeout: seconds that connecting may take, 5 by default.
        socket_read_size, socket_keepalive, socket_keepalive_options, socket_type: as the client
            has them.
        retry, retry_on_error, retry_on_timeout: of the client for your own commands; publishing
            has `publish_retry`.
        encoding, encoding_errors, parser_class, encoder_class: as the client has them.
    """

    host: str
    port: int | str
    db: int | str
    username: str | None
    password: str | None
    client_name: str | None
    connection_class: type[Any]
    health_check_interval: float
    max_connections: int | None
    socket_timeout: float | None
    socket_connect_timeout: float | None
    socket_read_size: int
    socket_keepalive: bool
    socket_keepalive_options: Mapping[int, int | bytes] | None
    socket_type: int
    retry: Any
    retry_on_error: list[Any]
    retry_on_timeout: bool
    encoding: str
    encoding_errors: str
    parser_class: type[Any]
    encoder_class: type[Any]


class RedisBrokerOptions(BrokerOptions, ClientOptions, total=False):
    """Options of `RedisBroker`: those of every broker, those of the client, and these.

    Keys:
        message_format: how body and headers become one payload; `BinaryMessageFormatV1` by default.
    """

    message_format: type[MessageFormat]


class SentinelBrokerOptions(RedisBrokerOptions, total=False):
    """Options of `RedisSentinelBroker`: those of `RedisBroker`, and these.

    Keys:
        sentinels: addresses of the sentinels, (host, port) each.
        sentinel_master_name: the name of the master.
        sentinel_kwargs: options of the connections to the sentinels.
    """

    sentinels: Sequence[tuple[str, int]]
    sentinel_master_name: str
    sentinel_kwargs: Mapping[str, Any] | None


class ClusterBrokerOptions(RedisBrokerOptions, total=False):
    """Options of `RedisClusterBroker`: those of `RedisBroker`, and these.

    Keys:
        startup_nodes: more nodes to begin with, (host, port) each.
    """

    startup_nodes: Sequence[tuple[str, int]]


class SubscriberOptions(core.SubscriberOptions, total=False):
    """Options of `subscriber`: those of every broker, and these.

    `ack_policy` counts for streams that are read as a group: whatever the policy, a message that
    is not acknowledged stays pending in its group.

    Keys:
        message_format: how payloads are taken apart; the broker's by default.
    """

    message_format: type[MessageFormat] | None


class PublisherOptions(core.PublisherOptions, total=False):
    """Options of `publisher`: those of every broker, and these.

    Keys:
        message_format: how body and headers become one payload; the broker's by default.
    """

    message_format: type[MessageFormat] | None
