"""Credentials and TLS for RabbitMQ."""

from __future__ import annotations

from collections.abc import Mapping
from ssl import SSLContext
from typing import Any

from anystream.core.security import BaseSecurity, SASLPlaintext, check_security

__all__ = ("RabbitExternalAuth", "connect_options")


class RabbitExternalAuth(BaseSecurity):
    """The server knows the client by its TLS certificate (mechanism EXTERNAL).

    Args:
        ssl_context: the TLS settings, with the client's certificate.
        use_ssl: TLS on or off; on by default.
    """

    scheme, scheme_type = "rabbitmq-external", "X509"

    def __init__(self, ssl_context: SSLContext | None = None, use_ssl: bool = True) -> None:
        super().__init__(ssl_context, use_ssl)


def connect_options(security: BaseSecurity | None) -> Mapping[str, Any]:
    """What a security object changes: `ssl`, `ssl_context`, `login`, `password`, `external`.

    Raises:
        FeatureNotSupportedException: RabbitMQ has no such credentials.
        OptionError: it is no security object.
    """
    if security is None:
        return {}
    known = (SASLPlaintext, RabbitExternalAuth)
    check_security("RabbitBroker", "RabbitMQ", security, known, own=__name__)
    options: dict[str, Any] = {"ssl": security.use_ssl, "ssl_context": security.ssl_context}
    if isinstance(security, RabbitExternalAuth):
        return {**options, "external": True}
    if isinstance(security, SASLPlaintext):
        return {**options, "login": security.username, "password": security.password}
    return options
