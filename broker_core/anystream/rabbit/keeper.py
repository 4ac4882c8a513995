"""Something that is done anew when it has come to its end, as often as it takes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


class Keeper:
    """A task that works when it is called for; after failures with growing, varied pauses.

    Args:
        work: what is done; it does nothing when there is nothing to do.
        failed: called with each new kind of failure.
    """

    def __init__(
        self, work: Callable[[], Awaitable[None]], failed: Callable[[Exception], None]
    ) -> None:
        self.work = work
        self.failed = failed
        self._called = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to listen for calls."""
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    def call(self) -> None:
        """There may be something to do."""
        self._called.set()

    async def stop(self) -> None:
        """Ends; what is being done is cancelled."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task}, timeout=LONGEST_PAUSE)

    async def _run(self) -> None:
        pause, said = FIRST_PAUSE, ""
        while True:
            await self._called.wait()
            self._called.clear()
            try:
                await self.work()
                pause, said = FIRST_PAUSE, ""
            except Exception as error:
                if str(error) != said:
                    said = str(error)
                    self.failed(error)
                self._called.set()
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, LONGEST_PAUSE)
