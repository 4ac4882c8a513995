"""Delivery inside the process: who gets what is sent to a channel, list or stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anystream.core.bus import Bus
from anystream.redis.globs import glob_matches

_CACHED = 4096


class RedisBus(Bus):
    """Subscriptions by kind and name, and by pattern."""

    def __init__(self) -> None:
        super().__init__()
        self._exact: dict[tuple[str, str], list[Any]] = {}
        self._patterns: list[Any] = []
        self._found: dict[tuple[str, str], tuple[Sequence[Any], bool]] = {}

    def join(self, member: Any) -> None:
        if getattr(member, "is_pattern", False):
            self._patterns.append(member)
        else:
            self._exact.setdefault(_place(member), []).append(member)
        self._found.clear()

    def leave(self, member: Any) -> None:
        for members in (self._patterns, self._exact.get(_place(member), [])):
            if member in members:
                members.remove(member)
        self._found.clear()

    def route(self, subject: str) -> Sequence[Any]:
        return self.members("channel", subject)

    def members(self, kind: str, name: str) -> Sequence[Any]:
        """Who gets the next message; of a group one, in turn, and one of those that claim."""
        place = (kind, name)
        known = self._found.get(place)
        if known is None:
            found = list(self._exact.get(place, ()))
            if kind == "channel":
                found += [one for one in self._patterns if glob_matches(one.patterns[0], name)]
            if len(self._found) >= _CACHED:
                self._found.clear()
            known = self._found[place] = (found, any(member.queue for member in found))
        return self._one_of_each(known[0]) if known[1] else known[0]

    def _one_of_each(self, found: Sequence[Any]) -> Sequence[Any]:
        groups: dict[Any, list[Any]] = {}
        for member in found:
            key = (member.queue, member.claims) if member.queue else id(member)
            groups.setdefault(key, []).append(member)
        turn = next(self._turn)
        return [members[turn % len(members)] for members in groups.values()]


def _place(member: Any) -> tuple[str, str]:
    return getattr(member, "kind", "channel"), member.patterns[0]
