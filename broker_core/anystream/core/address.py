"""Address templates: `{name}` parts capture values, the wire sees the broker's wildcard."""

from __future__ import annotations

import re
from functools import lru_cache

from anystream.core.exceptions import SetupError

_PART = re.compile(r"\{\{|\}\}|\{(\w+)\}")


class Template:
    """An address that may hold `{name}` parts.

    Args:
        text: the address as declared; `{{` and `}}` are literal braces.
        wildcard: what the broker writes for one arbitrary part.
        part: the regular expression that one captured value matches.
        tails: wildcards of the broker's that stand in the text, and their expressions.

    Raises:
        SetupError: a name stands twice.
    """

    def __init__(
        self,
        text: str,
        *,
        wildcard: str,
        part: str = r"[^.]+",
        tails: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.text = text
        self.names: list[str] = []
        wire: list[str] = []
        pattern: list[str] = []
        position = 0
        for found in _PART.finditer(text):
            literal = text[position : found.start()]
            wire.append(literal)
            pattern.append(_escape(literal, tails))
            position = found.end()
            name = found.group(1)
            if name is None:
                wire.append(found.group()[0])
                pattern.append(re.escape(found.group()[0]))
                continue
            self.names.append(name)
            wire.append(wildcard)
            pattern.append(f"(?P<{name}>{part})" if self.names.count(name) == 1 else "")
        wire.append(text[position:])
        pattern.append(_escape(text[position:], tails))
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise SetupError(f"Duplicated param name(s) {', '.join(twice)} at path {text}")
        self.wire = "".join(wire)
        self._pattern = re.compile("".join(pattern) + "$") if self.names else None

    def capture(self, address: str) -> dict[str, str]:
        """The values of the named parts in a concrete address; empty if it does not fit."""
        if self._pattern is None:
            return {}
        found = self._pattern.match(address)
        return found.groupdict() if found else {}


def _escape(literal: str, tails: tuple[tuple[str, str], ...]) -> str:
    pattern = re.escape(literal)
    for wildcard, expression in tails:
        pattern = pattern.replace(re.escape(wildcard), expression)
    return pattern


@lru_cache(maxsize=4096)
def nats_template(text: str) -> Template:
    """A template with NATS' wildcards: `*` for one token, `>` for the rest."""
    return Template(text, wildcard="*", tails=((".>", r"\..+"), (">", ".+"), ("*", r"[^.]+")))
