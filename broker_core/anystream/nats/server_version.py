"""What the server is too old for: older ones ignore what they do not know, without a word."""

from __future__ import annotations

from typing import Any

from anystream.core.exceptions import FeatureNotSupportedException


def require_server(client: Any, since: tuple[int, int], what: str, instead: str = "") -> None:
    """Raises unless the connected server is new enough.

    Args:
        client: the client library's connection.
        since: the first version that has it.
        what: the feature, as the subject of a sentence.
        instead: what to do on older servers.

    Raises:
        FeatureNotSupportedException: the server is older; names both versions.
    """
    found = client.connected_server_version
    if (found.major, found.minor) < since:
        version = ".".join(str(number) for number in (found.major, found.minor, found.patch))
        raise FeatureNotSupportedException(
            f"{what} needs NATS {since[0]}.{since[1]} or later, the server is {version}"
            + (f": {instead}" if instead else "")
        )
