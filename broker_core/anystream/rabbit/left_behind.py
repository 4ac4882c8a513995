"""Messages whose handlers ended without acknowledging them.

They count against the prefetch limit of their consumer, and would stop it in the end.
"""

from __future__ import annotations

MOST = 65535


class LeftBehind:
    """Counts them, and says how many messages the consumer may hold with them.

    Args:
        limit: the prefetch limit.
        manual: handlers acknowledge by hand, perhaps later; then the limit is meant as it is.
    """

    def __init__(self, limit: int, *, manual: bool) -> None:
        self.manual = manual
        self.limit = self._first = limit
        self._tags: set[int] = set()
        self._said = False

    def note(self, tag: int) -> None:
        """One more."""
        self._tags.add(tag)

    def is_crowding(self, held: set[int]) -> bool:
        """Whether they take the place of what could be handled.

        Args:
            held: the tags of all that is not acknowledged.
        """
        if not self._tags:
            return False
        self._tags &= held
        if self.manual:
            self._said = self._said and len(self._tags) >= self.limit
            return len(self._tags) >= self.limit and not self._said
        return len(self._tags) * 2 >= self.limit < MOST

    def make_room(self) -> str:
        """Raises the limit; with manual acknowledgement, returns what to tell the user instead."""
        if self.manual:
            self._said = True
            return (
                f"holds {len(self._tags)} messages that are not acknowledged and gets no more "
                "until they are; Channel(prefetch_count=...) lets it hold more"
            )
        self.limit = min(self.limit * 2, MOST)
        return ""

    def reset(self) -> None:
        """The channel is gone, and with it what was left."""
        self.limit, self._said = self._first, False
        self._tags.clear()
