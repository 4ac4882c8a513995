"""Where the data is: one server, the master that sentinels name, or a cluster.

Each class makes the client for the user's own commands, and opens single connections for ours.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import redis.asyncio
import redis.exceptions
from redis.asyncio.connection import Connection, ConnectionPool, parse_url

from anystream.core.own_version import own_version

# of our own lines: one protocol whatever the client's default, and no timer around each answer
# (`Watch` looks after them)
_LINE: Mapping[str, Any] = {
    "protocol": 2,
    "socket_timeout": None,
    "health_check_interval": 0,
    "decode_responses": False,
}
# what pools and cluster nodes need for themselves, and what newer clients put there for RESP3
_NOT_OURS = ("max_connections", "connection_class", "maint", "oss_cluster_maint", "himport")
CONNECT_TIMEOUT = 5.0


class Servers(Protocol):
    """What the broker has to know of its servers."""

    address: str
    cluster: bool

    def make_client(self) -> Any:
        """A client for the user; not connected yet."""

    async def prepare(self, client: Any) -> None:
        """Finds out where the servers are."""

    async def open(self, client: Any, key: str | None) -> Any:
        """A connected connection to the server that has a key; to any for None."""

    async def moved(self, client: Any, key: str) -> None:
        """Called when a server said that a key is elsewhere."""

    async def close_client(self, client: Any) -> None:
        """Closes what `make_client` made."""


def connection_options(
    url: str, security: Mapping[str, Any], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """The client's options for a connection; keywords win over security, security over the URL.

    Raises:
        ValueError: the URL is none of Redis.
    """
    options: dict[str, Any] = {**parse_url(url), **security, **keywords}
    options["decode_responses"] = False
    if options.get("socket_connect_timeout") is None:
        options["socket_connect_timeout"] = CONNECT_TIMEOUT
    options.update(library_name(options))
    return options


def library_name(options: Mapping[str, Any]) -> dict[str, Any]:
    """How the connections are called at the server."""
    number = own_version()
    try:
        from redis.driver_info import DriverInfo
    except ImportError:  # an older client
        return {"lib_name": "anystream", "lib_version": number}
    return {"driver_info": DriverInfo().add_upstream_driver("anystream", number)}


def line_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of one of our own connections."""
    return {
        **{name: value for name, value in options.items() if not name.startswith(_NOT_OURS)},
        **_LINE,
    }


class SingleServer:
    """One server.

    Args:
        options: the client's options for a connection.
        address: the server for people.
    """

    cluster = False

    def __init__(self, options: dict[str, Any], address: str) -> None:
        self.options = options
        self.address = address

    def make_client(self) -> redis.asyncio.Redis:
        return redis.asyncio.Redis.from_pool(ConnectionPool(**self.options))

    async def prepare(self, client: Any) -> None:
        return None

    async def open(self, client: Any, key: str | None) -> Any:
        kind = self.options.get("connection_class", Connection)
        return await _connected(kind(**line_options(self.options)))

    async def moved(self, client: Any, key: str) -> None:
        return None

    async def close_client(self, client: Any) -> None:
        await client.aclose()


class SentinelServers:
    """The server that the sentinels call master.

    Args:
        sentinels: addresses.
        master: the name of the master.
        options: the client's options for a connection to the master.
        sentinel_options: those for a connection to a sentinel.
    """

    cluster = False

    def __init__(
        self,
        sentinels: Sequence[tuple[str, int]],
        master: str,
        options: dict[str, Any],
        sentinel_options: Mapping[str, Any] | None,
    ) -> None:
        self.sentinels = list(sentinels)
        self.master = master
        self.options = options
        self.sentinel_options = dict(sentinel_options or {})
        self.sentinel_options.setdefault("socket_connect_timeout", CONNECT_TIMEOUT)
        self.sentinel_options.setdefault("socket_timeout", CONNECT_TIMEOUT)
        listed = ", ".join(f"{host}:{port}" for host, port in self.sentinels)
        self.address = f"{master!r} of the sentinels {listed}"

    def make_client(self) -> redis.asyncio.Redis:
        from redis.asyncio.sentinel import Sentinel

        kind: Any = Sentinel
        manager = kind(self.sentinels, sentinel_kwargs=self.sentinel_options)
        client: redis.asyncio.Redis = manager.master_for(self.master, **self.options)
        return client

    async def prepare(self, client: Any) -> None:
        await client.connection_pool.get_master_address()

    async def open(self, client: Any, key: str | None) -> Any:
        pool = client.connection_pool
        options = line_options(self.options)
        return await _connected(pool.connection_class(**options, connection_pool=pool))

    async def moved(self, client: Any, key: str) -> None:
        return None

    async def close_client(self, client: Any) -> None:
        manager = client.connection_pool.sentinel_manager
        await client.aclose()
        for sentinel in manager.sentinels:
            await sentinel.aclose()


class ClusterServers:
    """A cluster.

    Args:
        nodes: addresses to begin with.
        options: the client's options.
    """

    cluster = True

    def __init__(self, nodes: Sequence[tuple[str, int]], options: dict[str, Any]) -> None:
        self.nodes = list(nodes)
        self.options = options
        self.address = ", ".join(f"{host}:{port}" for host, port in self.nodes)

    def make_client(self) -> Any:
        from redis.asyncio.cluster import ClusterNode, RedisCluster

        known = [ClusterNode(host, port) for host, port in self.nodes]
        return RedisCluster(startup_nodes=known, **self.options)

    async def prepare(self, client: Any) -> None:
        await client.initialize()

    async def open(self, client: Any, key: str | None) -> Any:
        if key is not None:
            return await _open_node(client.get_node_from_key(key))
        nodes = list(client.get_nodes())
        random.shuffle(nodes)
        error: Exception = redis.exceptions.ConnectionError("the cluster has no nodes")
        for node in nodes:  # a subscription works on any of them
            try:
                return await _open_node(node)
            except (redis.exceptions.RedisError, OSError) as failed:
                error = failed
        raise error

    async def moved(self, client: Any, key: str) -> None:
        await client.exists(key)  # the client follows, and learns where it is

    async def close_client(self, client: Any) -> None:
        await client.aclose()


async def _open_node(node: Any) -> Any:
    return await _connected(node.connection_class(**line_options(node.connection_kwargs)))


async def _connected(connection: Any) -> Any:
    """Connects; the client limits the way to the server, but not the first words with it."""
    limit = getattr(connection, "socket_connect_timeout", None) or CONNECT_TIMEOUT
    try:
        await asyncio.wait_for(connection.connect(), limit)
    except BaseException as error:
        await connection.disconnect(nowait=True)
        if not isinstance(error, asyncio.TimeoutError):
            raise
        where = connection._host_error()
        raise redis.exceptions.TimeoutError(f"{where}: no answer in {limit:g} seconds") from error
    return connection
