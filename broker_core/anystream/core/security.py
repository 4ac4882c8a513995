"""Credentials and TLS, independent of the client library."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any


class BaseSecurity:
    """TLS, without credentials.

    Args:
        ssl_context: the TLS settings; giving one switches TLS on.
        use_ssl: TLS on or off.
    """

    def __init__(self, ssl_context: SSLContext | None = None, use_ssl: bool | None = None) -> None:
        self.ssl_context = ssl_context
        self.use_ssl = (ssl_context is not None) if use_ssl is None else use_ssl

    scheme: str = ""
    scheme_type: str = ""

    def get_requirement(self) -> list[dict[str, Any]]:
        """The AsyncAPI 2.6 security requirement."""
        return [{self.scheme: []}] if self.scheme else []

    def get_schema(self) -> dict[str, dict[str, str]]:
        """The AsyncAPI security scheme, by name."""
        return {self.scheme: {"type": self.scheme_type}} if self.scheme else {}


class _Credentials(BaseSecurity):
    def __init__(
        self,
        username: str,
        password: str,
        ssl_context: SSLContext | None = None,
        use_ssl: bool | None = None,
    ) -> None:
        super().__init__(ssl_context, use_ssl)
        self.username = username
        self.password = password


class SASLPlaintext(_Credentials):
    """User name and password in plain text."""

    scheme, scheme_type = "user-password", "userPassword"


class SASLScram256(_Credentials):
    """SCRAM with SHA-256."""

    scheme, scheme_type = "scram256", "scramSha256"


class SASLScram512(_Credentials):
    """SCRAM with SHA-512."""

    scheme, scheme_type = "scram512", "scramSha512"


class SASLOAuthBearer(BaseSecurity):
    """OAuth 2 bearer tokens."""

    scheme, scheme_type = "oauthbearer", "oauth2"


class SASLGSSAPI(BaseSecurity):
    """Kerberos."""

    scheme, scheme_type = "gssapi", "gssapi"
