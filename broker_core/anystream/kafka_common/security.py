"""Which protocol and mechanism a security object means."""

from __future__ import annotations

from anystream.core.security import (
    SASLGSSAPI,
    BaseSecurity,
    SASLOAuthBearer,
    SASLPlaintext,
    SASLScram256,
    SASLScram512,
    check_security,
)

_MECHANISMS: dict[type[BaseSecurity], str] = {
    SASLPlaintext: "PLAIN",
    SASLScram256: "SCRAM-SHA-256",
    SASLScram512: "SCRAM-SHA-512",
    SASLOAuthBearer: "OAUTHBEARER",
    SASLGSSAPI: "GSSAPI",
}


def protocol_and_mechanism(security: BaseSecurity) -> tuple[str, str | None]:
    """Kafka's names, such as `SASL_SSL` and `PLAIN`; no mechanism for TLS alone.

    Raises:
        OptionError: it is no security object.
        FeatureNotSupportedException: Kafka does not know such credentials.
    """
    check_security("KafkaBroker", "Kafka", security, tuple(_MECHANISMS))
    transport = "SSL" if security.use_ssl else "PLAINTEXT"
    for kind, mechanism in _MECHANISMS.items():
        if isinstance(security, kind):
            return f"SASL_{transport}", mechanism
    return transport, None
