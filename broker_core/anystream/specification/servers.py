"""Where brokers are, as a document may tell everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anystream.specification.about import tags_json
from anystream.specification.model import Server

if TYPE_CHECKING:
    from anystream.core.broker import Broker


def servers_of(broker: Broker) -> list[Server]:
    """The servers of a broker, one for each of its URLs.

    Raises:
        SetupError: a tag of the broker is none.
    """
    said = broker.specification
    security = said.security
    found = []
    for url in said.url:
        host, path = host_and_path(url)
        found.append(
            Server(
                host=host,
                path=path,
                protocol=said.protocol or broker.kind,
                protocol_version=said.protocol_version,
                description=said.description,
                tags=tags_json(said.tags),
                schemes=security.get_schema() if security is not None else None,
                url=f"{url.partition('://')[0]}://{host}{path}" if "://" in url else host + path,
            )
        )
    return found


def host_and_path(url: str) -> tuple[str, str]:
    """Splits a URL into host with port, and path; credentials, query and fragment are dropped.

    Passwords are often written without the escapes that a URL asks for, so everything up to the
    last `@` counts as credentials unless it clearly is part of the query.
    """
    rest = url.partition("://")[2] or url
    host, path = _split(_after_credentials(rest.partition("?")[0]))
    if not _is_host(host):
        host, path = _split(_after_credentials(rest))
    return host, path


def _after_credentials(text: str) -> str:
    return text.rpartition("@")[2]


def _split(text: str) -> tuple[str, str]:
    text = text.partition("?")[0].partition("#")[0]
    host, slash, path = text.partition("/")
    return host, slash + path


def _is_host(text: str) -> bool:
    """Whether it ends like a host: without a port, or with a number for it."""
    name, colon, port = text.rpartition(":")
    return not colon or port.isdigit() or text.endswith("]") or not name
