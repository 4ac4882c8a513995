"""How many messages of a group one read takes."""

from __future__ import annotations

import time

from anystream.redis.schemas import StreamSub

MOST = 100
LONG = 0.1
SHORT = LONG / 2


class ReadAhead:
    """As many as are handled in a tenth of a second, so that none waits here while another
    consumer of the group has nothing to do, or claims it for being idle.

    Args:
        source: a fixed number, if it has one.
        workers: how many are handled at once; so many are always taken.
    """

    def __init__(self, source: StreamSub, workers: int) -> None:
        self.fixed = source.max_records or (MOST if source.batch else None)
        self.least = min(workers, MOST)
        self._count = self.least
        self._took = 0
        self._since = 0.0

    def count(self) -> int:
        """The number for the next read; asked for right before it."""
        if self.fixed is not None:
            return self.fixed
        if self._took >= self._count:  # the last read was a full one: how long did it last?
            lasted = time.monotonic() - self._since
            if lasted < SHORT:
                self._count = min(self._count * 2, MOST)
            elif lasted > LONG:
                self._count = max(self._count // 2, self.least)
        return self._count

    def took(self, number: int) -> None:
        """Called after each read."""
        self._took = number
        self._since = time.monotonic()
