"""Which queues a message reaches: AMQP's rules, for test mode, and templates of routing keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from anystream.core.address import Template


@lru_cache(maxsize=4096)
def amqp_template(text: str) -> Template:
    """A template with AMQP's wildcards: `*` for one word, `#` for any number of them."""
    return Template(
        text,
        wildcard="*",
        tails=((".#", r"(?:\..+)?"), ("#.", r"(?:.+\.)?"), ("#", ".*"), ("*", r"[^.]+")),
    )


def topic_matches(pattern: str, key: str) -> bool:
    """Whether a topic exchange takes a routing key for a binding key.

    Words stand between dots and may be empty; `*` is one word, `#` is any number, also none.
    """
    return _words_match(_words(pattern), _words(key))


def _words(key: str) -> Sequence[str]:
    return key.split(".") if key else ()


def _words_match(wanted: Sequence[str], given: Sequence[str]) -> bool:
    # positions in `wanted` that are reached after the words of `given` so far
    reached = _after_hashes({0}, wanted)
    for word in given:
        step = {
            position if wanted[position] == "#" else position + 1
            for position in reached
            if position < len(wanted) and wanted[position] in ("#", "*", word)
        }
        reached = _after_hashes(step, wanted)
    return len(wanted) in reached


def _after_hashes(positions: set[int], wanted: Sequence[str]) -> set[int]:
    found = set(positions)
    for position in positions:
        while position < len(wanted) and wanted[position] == "#":
            position += 1
            found.add(position)
    return found


def headers_match(wanted: Mapping[str, Any] | None, given: Mapping[str, Any]) -> bool:
    """Whether a headers exchange takes headers for the arguments of a binding.

    `x-match` is `all` (default) or `any`, and with `-with-x` names that begin with `x-` count,
    too. A wanted value of None is there whatever its value.
    """
    arguments = dict(wanted or {})
    match = arguments.pop("x-match", "all")
    names = [name for name in arguments if match.endswith("-with-x") or not name.startswith("x-")]
    found = [
        name in given and (arguments[name] is None or _same(arguments[name], given[name]))
        for name in names
    ]
    return any(found) if match.startswith("any") else all(found)


def _same(wanted: Any, given: Any) -> bool:
    return bool(wanted == given) and isinstance(wanted, bool) == isinstance(given, bool)
