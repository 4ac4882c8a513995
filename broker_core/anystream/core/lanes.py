"""Several workers and yet an order: messages of one lane are handled one after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

NO_MORE: Any = object()  # the last thing in the queue of a worker


class Lanes:
    """A queue for workers that hands out at most one message of each lane at a time.

    The lanes take turns. Nothing limits how many messages wait: that is the feed's affair, which
    knows which lanes are full.

    Args:
        lane_of: the lane of a message.
    """

    def __init__(self, lane_of: Callable[[Any], Hashable]) -> None:
        self._lane_of = lane_of
        self._ready: asyncio.Queue[Any] = asyncio.Queue()
        self._busy: dict[Hashable, deque[Any]] = {}

    async def put(self, raw: Any) -> None:
        """Adds a message behind the others of its lane."""
        if raw is NO_MORE:
            self._ready.put_nowait(raw)
            return
        lane = self._lane_of(raw)
        behind = self._busy.get(lane)
        if behind is None:
            self._busy[lane] = deque()
            self._ready.put_nowait(raw)
        else:
            behind.append(raw)

    async def get(self) -> Any:
        """The next message of a lane that is not busy; `release` it when it was handled."""
        return await self._ready.get()

    def release(self, raw: Any) -> None:
        """A message was handled: the next one of its lane may be."""
        lane = self._lane_of(raw)
        behind = self._busy[lane]
        if behind:
            self._ready.put_nowait(behind.popleft())
        else:
            del self._busy[lane]
