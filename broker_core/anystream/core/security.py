"""Credentials and TLS, independent of the client library."""

from __future__ import annotations

from collections.abc import Sequence
from ssl import SSLContext
from typing import Any

from anystream.core.exceptions import FeatureNotSupportedException, OptionError


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


def check_security(
    owner: str,
    server: str,
    security: Any,
    taken: Sequence[type[BaseSecurity]],
    *,
    own: str = "",
) -> None:
    """Refuses what is no security object, and credentials that a server does not know.

    Args:
        owner: the broker class, for messages.
        server: how people call the server.
        security: what was given.
        taken: the classes with credentials that the server knows; `BaseSecurity` itself always is.
        own: the broker's own module of security classes, if it has one.

    Raises:
        OptionError: it is no security object.
        FeatureNotSupportedException: the server does not know such credentials.
    """
    if not isinstance(security, BaseSecurity):
        where = f"{own} or {__name__}" if own else __name__
        raise OptionError(
            f"{owner}: security={security!r} is no security object; take one of {where}"
        )
    if type(security) is not BaseSecurity and not isinstance(security, tuple(taken)):
        names = ", ".join(kind.__name__ for kind in taken)
        raise FeatureNotSupportedException(
            f"{owner}: {server} does not know {type(security).__name__}; use BaseSecurity, or one "
            f"of {names}"
        )
