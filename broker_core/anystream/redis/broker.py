"""The Redis brokers: on one server, on sentinels, on a cluster."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import Unpack

from anystream.core.broker import Broker
from anystream.core.broker_options import BrokerSpecification
from anystream.core.exceptions import OptionError, SetupError
from anystream.core.options import check_options, chosen_options
from anystream.core.security import BaseSecurity
from anystream.redis.connection import MOST_LINES, PATIENCE, RedisConnection, redacted
from anystream.redis.declarations import RedisDeclarations
from anystream.redis.options import (
    ClientOptions,
    ClusterBrokerOptions,
    RedisBrokerOptions,
    SentinelBrokerOptions,
)
from anystream.redis.parser import BinaryMessageFormatV1, MessageFormat
from anystream.redis.security import connect_options
from anystream.redis.sending import RedisSending
from anystream.redis.servers import (
    ClusterServers,
    SentinelServers,
    Servers,
    SingleServer,
    connection_options,
)
from anystream.redis.transport import RedisTransport

DEFAULT_URL = "redis://localhost:6379"


class RedisBroker(RedisSending, RedisDeclarations, Broker):
    """A broker on one Redis server: channels, lists and streams.

    Args:
        url: its address, `redis://`, `rediss://` (TLS) or `unix://`.
        **options: see `RedisBrokerOptions`.

    Raises:
        OptionError: an option does not exist, or has a wrong value.
    """

    def __init__(self, url: str = DEFAULT_URL, **options: Unpack[RedisBrokerOptions]) -> None:
        check_options("RedisBroker", options, RedisBrokerOptions)
        client = client_options(url, options)
        servers = SingleServer(client, redacted(_shown(url, client)))
        set_up(self, servers, [redacted(url)], urlsplit(url).scheme, options)


class RedisSentinelBroker(RedisSending, RedisDeclarations, Broker):
    """A broker on the Redis server that sentinels call master.

    Args:
        url: says scheme, credentials and database; the address is the sentinels' affair.
        **options: see `SentinelBrokerOptions`; `sentinels` and `sentinel_master_name` are needed.

    Raises:
        SetupError: there are no sentinels, or no name of the master.
        OptionError: an option does not exist, or has a wrong value.
    """

    def __init__(self, url: str = DEFAULT_URL, **options: Unpack[SentinelBrokerOptions]) -> None:
        check_options("RedisSentinelBroker", options, SentinelBrokerOptions)
        sentinels = options.get("sentinels")
        master = options.get("sentinel_master_name")
        if not sentinels or not master:
            raise SetupError(
                "RedisSentinelBroker needs sentinels=[(host, port), ...] and sentinel_master_name"
            )
        client = client_options(url, options, sentinel=True)
        tls = client.get("connection_class")
        if tls is not None and not hasattr(tls, "connect_to"):  # the URL's rediss://
            client["connection_class"] = connect_options(_TLS, sentinel=True)["connection_class"]
        for name in ("host", "port"):
            client.pop(name, None)
        known = _nodes("sentinels", sentinels)
        servers = SentinelServers(known, master, client, options.get("sentinel_kwargs"))
        shown = [f"redis://{host}:{port}" for host, port in known]
        set_up(self, servers, shown, urlsplit(url).scheme, options)


_ONLY_ONE_NODE = (
    "db",
    "host",
    "port",
    "connection_class",
    "parser_class",
    "encoder_class",
    "retry_on_timeout",
    "socket_type",
)


class RedisClusterBroker(RedisSending, RedisDeclarations, Broker):
    """A broker on a Redis cluster.

    A list or stream is read from the node that has it, also after it has moved. Channels reach
    all nodes.

    Args:
        url: the first node to ask.
        **options: see `ClusterBrokerOptions`.

    Raises:
        OptionError: an option does not exist, or has a wrong value.
    """

    def __init__(self, url: str = DEFAULT_URL, **options: Unpack[ClusterBrokerOptions]) -> None:
        check_options("RedisClusterBroker", options, ClusterBrokerOptions)
        security = options.get("security")
        if security is not None and security.ssl_context is not None:
            warnings.warn(
                "RedisClusterBroker: the client of clusters takes no ssl_context: it is ignored, "
                "TLS is on with the default settings",
                RuntimeWarning,
                stacklevel=2,
            )
        client = client_options(url, options)
        if client.get("connection_class") is not None:
            client["ssl"] = True
        first = (str(client.get("host", "localhost")), int(client.get("port", 6379)))
        nodes = [first, *_nodes("startup_nodes", options.get("startup_nodes", ()))]
        for name in _ONLY_ONE_NODE:
            client.pop(name, None)
        shown = [redacted(url), *(f"redis://{host}:{port}" for host, port in nodes[1:])]
        set_up(self, ClusterServers(nodes, client), shown, urlsplit(url).scheme, options)


_TLS = BaseSecurity(use_ssl=True)


def client_options(
    url: str, options: Mapping[str, Any], *, sentinel: bool = False
) -> dict[str, Any]:
    """The client's options of a broker's; see `connection_options`."""
    if not isinstance(url, str):
        raise OptionError(f"url={url!r}: give an address such as {DEFAULT_URL!r}")
    given = chosen_options(options, ClientOptions)
    security = connect_options(options.get("security"), sentinel=sentinel)
    try:
        return connection_options(url, security, given)
    except ValueError as error:
        raise OptionError(f"{redacted(url)!r} is no address of Redis: {error}") from error


def _shown(url: str, client: Mapping[str, Any]) -> str:
    """The address with what the keywords say instead."""
    if "path" in client:
        return url
    return f"{client.get('host', 'localhost')}:{client.get('port', 6379)}"


def _nodes(option: str, given: Any) -> list[tuple[str, int]]:
    try:
        return [(str(host), int(port)) for host, port in given]
    except (TypeError, ValueError):
        raise OptionError(f"{option}={given!r}: give (host, port) pairs") from None


def _format(options: Mapping[str, Any]) -> type[MessageFormat]:
    form = options.get("message_format", BinaryMessageFormatV1)
    if not (inspect.isclass(form) and issubclass(form, MessageFormat)):
        raise OptionError(f"message_format={form!r} is no subclass of MessageFormat")
    return form


def set_up(
    broker: Any, servers: Servers, urls: Sequence[str], scheme: str, options: RedisBrokerOptions
) -> None:
    """Makes a broker of its servers and options; what the three classes have in common."""
    broker.redis = RedisConnection(
        servers,
        broker._say,
        patience=options.get("socket_timeout") or PATIENCE,
        most_lines=options.get("max_connections") or MOST_LINES,
    )
    transport = RedisTransport(broker.redis, _format(options))
    Broker.__init__(
        broker,
        transport,
        BrokerSpecification.of(options, url=urls, protocol=scheme),
        options,
    )
    transport.broker = broker
