"""Credentials and TLS for NATS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext
from typing import Any

from nats.aio.client import RawCredentials

from anystream.core.security import BaseSecurity, SASLPlaintext, check_security

__all__ = (
    "NatsCredentials",
    "NatsJWT",
    "NatsNKey",
    "NatsSecurity",
    "NatsToken",
    "NatsUserPassword",
    "connect_options",
)


class NatsSecurity(BaseSecurity):
    """TLS for NATS; the classes below it add credentials.

    Args:
        ssl_context: the TLS settings; giving one switches TLS on.
        use_ssl: TLS on or off.
        tls_hostname: the name that the server's certificate must have.
        tls_handshake_first: TLS from the first byte on, before the server's greeting.
    """

    def __init__(
        self,
        *,
        ssl_context: SSLContext | None = None,
        use_ssl: bool | None = None,
        tls_hostname: str | None = None,
        tls_handshake_first: bool = False,
    ) -> None:
        super().__init__(ssl_context, use_ssl)
        self.tls_hostname = tls_hostname
        self.tls_handshake_first = tls_handshake_first

    def credentials(self) -> dict[str, Any]:
        """The client's options for these credentials."""
        return {}


class NatsToken(NatsSecurity):
    """One token for all.

    Args:
        token: the token, or a function that returns it at each (re)connect.
    """

    scheme, scheme_type = "token", "apiKey"

    def __init__(self, token: str | Callable[[], str], **tls: Any) -> None:
        super().__init__(**tls)
        self.token = token

    def get_schema(self) -> dict[str, dict[str, str]]:
        return {self.scheme: {"type": self.scheme_type, "in": "user"}}

    def credentials(self) -> dict[str, Any]:
        return {"token": self.token}


class NatsUserPassword(NatsSecurity):
    """User name and password."""

    scheme, scheme_type = "user-password", "userPassword"

    def __init__(self, username: str, password: str, **tls: Any) -> None:
        super().__init__(**tls)
        self.username = username
        self.password = password

    def credentials(self) -> dict[str, Any]:
        return {"user": self.username, "password": self.password}


class NatsCredentials(NatsSecurity):
    """A credentials file with JWT and seed.

    Args:
        credentials: its path, a (JWT file, seed file) pair, or the client's `RawCredentials`.
    """

    scheme, scheme_type = "credentials", "X509"

    def __init__(
        self, credentials: str | tuple[str, str] | RawCredentials | Path, **tls: Any
    ) -> None:
        super().__init__(**tls)
        self.user_credentials = credentials

    def credentials(self) -> dict[str, Any]:
        return {"user_credentials": self.user_credentials}


class NatsNKey(NatsSecurity):
    """An nkey.

    Args:
        seed_file: the file that holds the seed.
    """

    scheme, scheme_type = "nkey", "asymmetricEncryption"

    def __init__(self, seed_file: str | Path, **tls: Any) -> None:
        super().__init__(**tls)
        self.seed_file = seed_file

    def credentials(self) -> dict[str, Any]:
        return {"nkeys_seed": str(self.seed_file)}


class NatsJWT(NatsSecurity):
    """A JWT with a signature made by the program.

    Args:
        jwt_cb: returns the user's JWT.
        signature_cb: signs the server's nonce; returns the signature in base64.
    """

    scheme, scheme_type = "jwt", "asymmetricEncryption"

    def __init__(
        self,
        jwt_cb: Callable[[], bytes | bytearray],
        signature_cb: Callable[[str], bytes],
        **tls: Any,
    ) -> None:
        super().__init__(**tls)
        self.jwt_cb = jwt_cb
        self.signature_cb = signature_cb

    def credentials(self) -> dict[str, Any]:
        return {"user_jwt_cb": self.jwt_cb, "signature_cb": self.signature_cb}


_KNOWN = (
    *(SASLPlaintext, NatsSecurity, NatsToken, NatsUserPassword, NatsCredentials, NatsNKey),
    NatsJWT,
)


def connect_options(security: BaseSecurity | None) -> dict[str, Any]:
    """The client's options for a security object.

    Raises:
        FeatureNotSupportedException: NATS has no such credentials.
        OptionError: it is no security object.
    """
    if security is None:
        return {}
    check_security("NatsBroker", "NATS", security, _KNOWN, own=__name__)
    options: dict[str, Any] = {}
    if security.use_ssl:
        import ssl

        options["tls"] = security.ssl_context or ssl.create_default_context()
    if isinstance(security, NatsSecurity):
        if security.tls_hostname is not None:
            options["tls_hostname"] = security.tls_hostname
        if security.tls_handshake_first:
            options["tls_handshake_first"] = True
        return {**options, **security.credentials()}
    if isinstance(security, SASLPlaintext):
        return {**options, "user": security.username, "password": security.password}
    return options
