"""Topics and patterns of topics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from anystream.core.exceptions import SetupError

_LEGAL = re.compile(r"[A-Za-z0-9._-]{1,249}")
_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True)
class Topic:
    """A topic with what it is made of if it does not exist yet.

    Args:
        name: its name.
        num_partitions: how many partitions; -1 for the server's default.
        replication_factor: how many copies; -1 for the server's default.
        config: settings of the topic, such as `{"cleanup.policy": "compact"}`.
    """

    name: str
    num_partitions: int = -1
    replication_factor: int = -1
    config: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, given: str | Topic, owner: str) -> Topic:
        """A topic of a name, or the topic itself.

        Raises:
            SetupError: neither of the two.
        """
        topic = cls(given) if isinstance(given, str) else given
        if not isinstance(topic, Topic) or not topic.name:
            raise SetupError(f"{owner}: {given!r} is no topic: give a non-empty str, or a Topic")
        return topic


def check_topic(name: str, owner: str) -> None:
    """Refuses what Kafka takes for no topic.

    Raises:
        SetupError: the name is empty, too long or has other than letters, digits, `.`, `_`, `-`.
    """
    if not isinstance(name, str) or not _LEGAL.fullmatch(name) or name in (".", ".."):
        raise SetupError(
            f"{owner}: {name!r} is no name of a topic: up to 249 letters, digits, '.', '_' and '-'"
        )


class TopicPattern:
    """A regular expression for topics that may hold `{name}` parts.

    Args:
        text: the expression as declared; `{{` and `}}` are literal braces.
        prefix: put before it; taken literally but for its own `{name}` parts.

    Raises:
        SetupError: a name stands twice, or it is no regular expression.
    """

    def __init__(self, text: str, prefix: str = "") -> None:
        self.text = prefix + text
        whole = _escaped(prefix) + text
        names = [found.group(1) for found in _PART.finditer(whole) if found.group(1)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SetupError(f"Duplicated param name(s) {', '.join(twice)} at path {self.text}")
        self.wire = _PART.sub(lambda found: _written(found, ".*"), whole)
        self.names = names
        try:
            self._matches = re.compile(self.wire)
            captured = _PART.sub(lambda f: _written(f, f"(?P<{f.group(1)}>[^.]+)"), whole)
            self._captures = re.compile(f"{captured}$") if names else None
        except re.error as error:
            raise SetupError(f"{text!r} is no regular expression: {error}") from error

    def matches(self, topic: str) -> bool:
        """Whether the pattern takes a topic; like the client, from its beginning on."""
        return self._matches.match(topic) is not None

    def capture(self, topic: str) -> dict[str, str]:
        """The values of the named parts in a topic; empty if it does not fit."""
        found = self._captures.match(topic) if self._captures else None
        return found.groupdict() if found else {}


def _escaped(prefix: str) -> str:
    """A prefix as an expression; its `{name}` parts and double braces stay."""
    pieces: list[str] = []
    position = 0
    for found in _PART.finditer(prefix):
        pieces += [re.escape(prefix[position : found.start()]), found.group()]
        position = found.end()
    return "".join(pieces) + re.escape(prefix[position:])


def _written(found: re.Match[str], name_part: str) -> str:
    return name_part if found.group(1) else "\\" + found.group()[0]
