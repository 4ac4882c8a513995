"""Channel patterns as Redis has them, and `{name}` parts in them."""

from __future__ import annotations

import re
from functools import lru_cache

from anystream.core.address import Template


@lru_cache(maxsize=4096)
def redis_template(text: str) -> Template:
    """A template with Redis' wildcards; a `{name}` part is a `*` on the wire."""
    return Template(text, wildcard="*", tails=(("*", ".*"), ("?", ".")))


@lru_cache(maxsize=4096)
def glob_expression(pattern: str) -> re.Pattern[bytes]:
    """The regular expression that takes what a pattern of Redis takes; on bytes, as there."""
    return re.compile(_translated(pattern.encode()), re.DOTALL)


def glob_matches(pattern: str, channel: str) -> bool:
    """Whether Redis would deliver a message of a channel to a subscriber of a pattern."""
    return glob_expression(pattern).fullmatch(channel.encode()) is not None


def _translated(pattern: bytes) -> bytes:
    parts: list[bytes] = []
    position = 0
    while position < len(pattern):
        char = pattern[position : position + 1]
        if char == b"[":
            position, expression = _bracket(pattern, position + 1)
            parts.append(expression)
            continue
        if char == b"\\" and position + 1 < len(pattern):
            position += 1
            parts.append(re.escape(pattern[position : position + 1]))
        else:
            parts.append({b"*": b".*", b"?": b"."}.get(char) or re.escape(char))
        position += 1
    return b"".join(parts)


def _bracket(pattern: bytes, position: int) -> tuple[int, bytes]:
    """What follows a `[`: the position behind it, and the expression."""
    negated = pattern[position : position + 1] == b"^"
    if negated:
        position += 1
    taken: set[int] = set()
    while position < len(pattern):
        char = pattern[position]
        if char == ord("\\") and position + 1 < len(pattern):
            position += 1
            taken.add(pattern[position])
        elif char == ord("]"):
            break
        elif position + 2 < len(pattern) and pattern[position + 1] == ord("-"):
            low, high = sorted((char, pattern[position + 2]))
            taken.update(range(low, high + 1))
            position += 2
        else:
            taken.add(char)
        position += 1
    chars = b"".join(b"\\x%02x" % number for number in sorted(taken))
    if not taken:  # nothing is in it, or everything is outside of it
        return position + 1, b"." if negated else b"(?!)"
    return position + 1, b"[" + (b"^" if negated else b"") + chars + b"]"
