"""Stops a loop of reads between two reads, never within one."""

from __future__ import annotations

import asyncio


class Gate:
    """Lets a reader pass, or holds it.

    A read that is under way at the server cannot be taken back: what it brings would be lost.
    So whoever closes the gate waits until it is through.
    """

    def __init__(self) -> None:
        self._held: asyncio.Future[None] | None = None
        self._leaving: asyncio.Future[None] | None = None
        self._inside = False

    async def enter(self) -> None:
        """Waits while the gate is closed; then a read is under way."""
        while self._held is not None:
            await asyncio.shield(self._held)
        self._inside = True

    def leave(self) -> None:
        """The read is over."""
        self._inside = False
        if self._leaving is not None and not self._leaving.done():
            self._leaving.set_result(None)

    async def close(self) -> None:
        """Holds who comes from now on, and waits for who is inside."""
        if self._held is None:
            self._held = asyncio.get_running_loop().create_future()
        if self._inside:
            self._leaving = asyncio.get_running_loop().create_future()
            await self._leaving

    def open(self) -> None:
        """Lets readers pass again."""
        held, self._held = self._held, None
        if held is not None:
            held.set_result(None)
