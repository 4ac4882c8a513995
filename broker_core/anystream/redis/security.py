"""Credentials and TLS for Redis."""

from __future__ import annotations

import ssl
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection

from anystream.core.security import BaseSecurity, SASLPlaintext, check_security

__all__ = ("connect_options", "tls_connection")


def connect_options(security: BaseSecurity | None, *, sentinel: bool = False) -> dict[str, Any]:
    """The client's options for a security object.

    Args:
        security: the object.
        sentinel: whether a sentinel says where the server is.

    Raises:
        FeatureNotSupportedException: Redis has no such credentials.
        OptionError: it is no security object.
    """
    if security is None:
        return {}
    check_security("RedisBroker", "Redis", security, (SASLPlaintext,))
    options: dict[str, Any] = {}
    if security.use_ssl:
        options["connection_class"] = tls_connection(security.ssl_context, sentinel=sentinel)
    if isinstance(security, SASLPlaintext):
        return {**options, "username": security.username, "password": security.password}
    return options


def tls_connection(context: ssl.SSLContext | None, *, sentinel: bool = False) -> type[Connection]:
    """The client's connection class for TLS, with a context of the user's if there is one."""
    if context is None:
        return SentinelManagedSSLConnection if sentinel else SSLConnection
    base: Any = SentinelManagedConnection if sentinel else Connection

    class ContextConnection(base):  # type: ignore[misc]
        """TLS with the context that was given to the broker."""

        def _connection_arguments(self) -> dict[str, Any]:
            return {**super()._connection_arguments(), "ssl": context}

    return ContextConnection
