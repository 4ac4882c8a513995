"""What names of queues and exchanges, and routing keys, may look like."""

from __future__ import annotations

import re
from typing import Any

from anystream.core.exceptions import SetupError

_NAME = re.compile(r"[a-zA-Z0-9\-_.:@#,/+ ]*")
MOST = 255  # bytes


def check_name(name: Any, owner: str) -> None:
    """Refuses what cannot be the name of a queue or an exchange.

    Raises:
        SetupError: it is no str, too long, or has other characters than AMQP's.
    """
    if not isinstance(name, str):
        raise SetupError(f"{owner}: name={name!r} is no str")
    if not _NAME.fullmatch(name):
        hint = "; {name} parts stand in routing_key" if "{" in name else ""
        raise SetupError(
            f"{owner}: the name {name!r} has a character that AMQP does not allow: take letters, "
            f"digits and - _ . : @ # , / + and blanks{hint}"
        )
    if len(name) > MOST:
        raise SetupError(f"{owner}: the name {name[:40]!r}… is longer than {MOST} bytes")


def check_key(key: Any, owner: str) -> None:
    """Refuses what cannot be a routing key.

    Raises:
        SetupError: it is no str, or too long.
    """
    if not isinstance(key, str):
        raise SetupError(f"{owner}: routing_key={key!r} is no str")
    if len(key.encode()) > MOST:
        raise SetupError(f"{owner}: the routing key {key[:40]!r}… is longer than {MOST} bytes")
