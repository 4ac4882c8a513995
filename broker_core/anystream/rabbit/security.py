"""Credentials and TLS for RabbitMQ."""

from __future__ import annotations

from collections.abc import Mapping
from ssl import SSLContext
from typing import Any

from anystream.core.exceptions import FeatureNotSupportedException, OptionError
from anystream.core.security import BaseSecurity, SASLPlaintext

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
    if not isinstance(security, BaseSecurity):
        raise OptionError(
            f"RabbitBroker: security={security!r} is no security object; take one of "
            "anystream.rabbit.security or anystream.core.security"
        )
    options: dict[str, Any] = {"ssl": security.use_ssl, "ssl_context": security.ssl_context}
    if isinstance(security, RabbitExternalAuth):
        return {**options, "external": True}
    if isinstance(security, SASLPlaintext):
        return {**options, "login": security.username, "password": security.password}
    if type(security) is BaseSecurity:
        return options
    raise FeatureNotSupportedException(
        f"RabbitBroker: RabbitMQ does not know {type(security).__name__}; use BaseSecurity, "
        "SASLPlaintext or RabbitExternalAuth"
    )
