"""Credentials and TLS as the client's options."""

from __future__ import annotations

import ssl
from typing import Any

from anystream.core.security import BaseSecurity
from anystream.kafka_common.security import protocol_and_mechanism

__all__ = ("connect_options",)


def connect_options(security: BaseSecurity | None) -> dict[str, Any]:
    """The client's options for a security object.

    Raises:
        OptionError: it is no security object.
        FeatureNotSupportedException: Kafka does not know such credentials.
    """
    if security is None:
        return {}
    protocol, mechanism = protocol_and_mechanism(security)
    options: dict[str, Any] = {"security_protocol": protocol}
    if security.use_ssl:
        options["ssl_context"] = security.ssl_context or ssl.create_default_context()
    if mechanism is not None:
        options["sasl_mechanism"] = mechanism
    known: Any = security
    if hasattr(known, "username"):
        options["sasl_plain_username"] = known.username
        options["sasl_plain_password"] = known.password
    return options
