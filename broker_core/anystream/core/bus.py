"""Delivery inside the process: who gets a message that was sent to a subject."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, Protocol

from anystream.core.subjects import SubjectIndex


class Member(Protocol):
    """What a bus delivers to."""

    @property
    def patterns(self) -> Sequence[str]: ...
    @property
    def queue(self) -> str: ...


class Bus:
    """Subscriptions by subject; of those that share a queue name, one gets each message."""

    def __init__(self) -> None:
        self._index = SubjectIndex()
        self._turn = count()

    def join(self, member: Member) -> None:
        """Starts delivery to a member."""
        for pattern in member.patterns:
            self._index.add(pattern, member)

    def leave(self, member: Member) -> None:
        """Ends delivery to a member."""
        self._index.remove(member)

    def route(self, subject: str) -> Sequence[Any]:
        """The members that get the next message of a subject."""
        found = self._index.find(subject)
        if len(found) < 2 or not any(member.queue for member in found):
            return found
        chosen = [member for member in found if not member.queue]
        groups: dict[str, list[Any]] = {}
        for member in found:
            if member.queue:
                groups.setdefault(member.queue, []).append(member)
        turn = next(self._turn)
        return chosen + [members[turn % len(members)] for members in groups.values()]
