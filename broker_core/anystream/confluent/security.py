"""Credentials and TLS as librdkafka's keys."""

from __future__ import annotations

from typing import Any

from anystream.core.exceptions import SetupError
from anystream.core.security import BaseSecurity
from anystream.kafka_common.security import protocol_and_mechanism

__all__ = ("security_config",)


def security_config(security: BaseSecurity | None) -> dict[str, Any]:
    """librdkafka's keys for a security object.

    Raises:
        OptionError: it is no security object.
        SetupError: it has an `ssl_context`, which librdkafka cannot use.
        FeatureNotSupportedException: Kafka does not know such credentials.
    """
    if security is None:
        return {}
    protocol, mechanism = protocol_and_mechanism(security)
    if security.ssl_context is not None:
        raise SetupError(
            "KafkaBroker: librdkafka has TLS of its own and cannot use an `ssl_context`. Give "
            f"{type(security).__name__}(use_ssl=True), and the files by "
            "config={'ssl.ca.location': ..., 'ssl.certificate.location': ..., "
            "'ssl.key.location': ...}"
        )
    config = {"security.protocol": protocol.lower()}
    if mechanism is not None:
        config["sasl.mechanism"] = mechanism
    for name in ("username", "password"):
        if hasattr(security, name):
            config[f"sasl.{name}"] = getattr(security, name)
    return config
