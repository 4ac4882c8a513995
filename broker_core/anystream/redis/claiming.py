"""Messages that a consumer of the group got long ago and has not acknowledged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from anystream.redis.line import Line
from anystream.redis.read_ahead import MOST
from anystream.redis.schemas import StreamSub


class Claims:
    """Takes such messages over, each for one consumer at a time.

    Args:
        key: the stream.
        source: how long is long, and whether new messages are read besides.
    """

    def __init__(self, key: str, source: StreamSub) -> None:
        self.key = key
        self.source = source
        self.only = source.min_idle_time is not None
        self.idle = source.min_idle_time or source.claim_min_idle_time
        self._cursor: Any = "0-0"
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to look."""
        return self.idle is not None and (self.only or time.monotonic() >= self._next)

    async def take(self, line: Line) -> Sequence[Any]:
        """Claims one message, or a batch; none when nothing has waited long enough."""
        source, idle = self.source, self.idle or 0
        count = (source.max_records or MOST) if source.batch else 1
        who = (source.group, source.consumer, idle)
        answer = await line.ask("XAUTOCLAIM", self.key, *who, self._cursor, "COUNT", count)
        self._cursor = answer[0]
        entries = [entry for entry in answer[1] if entry is not None]
        if self.round_is_over and not entries:
            self._next = time.monotonic() + idle / 4000
        return entries

    @property
    def round_is_over(self) -> bool:
        """Whether all pending messages were looked at."""
        return bool(self._cursor == b"0-0")
