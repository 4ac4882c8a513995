"""Which protocol and mechanism a security object means."""

from __future__ import annotations

from anystream.core.exceptions import FeatureNotSupportedException, OptionError
from anystream.core.security import (
    SASLGSSAPI,
    BaseSecurity,
    SASLOAuthBearer,
    SASLPlaintext,
    SASLScram256,
    SASLScram512,
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
    if not isinstance(security, BaseSecurity):
        raise OptionError(
            f"KafkaBroker: security={security!r} is no security object; take one of "
            "anystream.core.security"
        )
    transport = "SSL" if security.use_ssl else "PLAINTEXT"
    if type(security) is BaseSecurity:
        return transport, None
    for kind, mechanism in _MECHANISMS.items():
        if isinstance(security, kind):
            return f"SASL_{transport}", mechanism
    raise FeatureNotSupportedException(
        f"KafkaBroker: Kafka does not know {type(security).__name__}; use BaseSecurity, "
        f"{', '.join(kind.__name__ for kind in _MECHANISMS)}"
    )
