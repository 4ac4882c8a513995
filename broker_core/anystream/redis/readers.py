"""Messages one by one, for `get_one` and iteration."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from anystream.core.transport import Feed, Reader


class FeedReader(Reader):
    """Reads through a feed, which is opened when somebody asks first.

    Args:
        feed: a feed that was not opened.
        patient: whether its `fetch` may wait for ever, and can be cancelled without loss.
    """

    def __init__(self, feed: Feed, *, patient: bool) -> None:
        self.feed = feed
        self.patient = patient
        self._found: deque[Any] = deque()
        self._open = False

    async def get(self, timeout: float | None) -> Any | None:
        if not self._open:
            await self.feed.open()
            self._open = True
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while not self._found:
            left = None if deadline is None else deadline - loop.time()
            if left is not None and left <= 0:
                return None
            self._found.extend(await self._fetch(left))
        raw = self._found.popleft()
        if self.feed.begin is not None:
            self.feed.begin(raw)
        self.feed.handled(raw)
        return raw

    async def _fetch(self, left: float | None) -> Any:
        if not self.patient:  # a read at the server is short, and must not be given up
            return await self.feed.fetch()
        try:
            return await asyncio.wait_for(self.feed.fetch(), left)
        except asyncio.TimeoutError:
            return ()

    async def close(self) -> None:
        self._open = False
        await self.feed.close()
