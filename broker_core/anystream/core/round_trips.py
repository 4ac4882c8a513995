"""Whether a server answers, without asking it more often than anybody has to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

GOOD_FOR = 1.0  # seconds after an answer
END_TIMEOUT = 0.5


class RoundTrips:
    """Asks a server at most once a second while it answers; who asks meanwhile waits for the same
    question. It runs in a task of its own, because clients do not like it to be cancelled.

    Args:
        connected: whether there is anybody to ask.
        ask: asks; True when the answer came. What it raises counts as no answer. Its argument is
            the patience of who asked first in seconds, None for no limit.
    """

    def __init__(
        self, connected: Callable[[], bool], ask: Callable[[float | None], Awaitable[bool]]
    ) -> None:
        self._connected = connected
        self._ask = ask
        self._good_until = 0.0
        self._task: asyncio.Task[bool] | None = None

    def answered(self) -> None:
        """The server has answered something just now."""
        self._good_until = monotonic() + GOOD_FOR

    def forget(self) -> None:
        """What was known is no longer true: the next who wants to know asks."""
        self._good_until = 0.0

    def known(self) -> bool | None:
        """False while not connected, True for a second after an answer, else None."""
        if not self._connected():
            return False
        return True if monotonic() < self._good_until else None

    async def ping(self, timeout: float | None) -> bool:
        """Whether the server answers.

        Args:
            timeout: seconds to wait for it; None for no limit.
        """
        known = self.known()
        if known is not None:
            return known
        task = self._task
        if task is None or task.done():
            task = self._task = asyncio.ensure_future(self._trip(timeout))
        await asyncio.wait({task}, timeout=timeout)
        return task.done() and not task.cancelled() and task.result()

    async def _trip(self, timeout: float | None) -> bool:
        try:
            good = await self._ask(timeout)
        except Exception:
            return False
        if good:
            self.answered()
        return good and self._connected()

    async def end(self) -> None:
        """Gives up a question that is still open."""
        self.forget()
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=END_TIMEOUT)
