"""A transport that fails on purpose."""

from __future__ import annotations

import asyncio
from typing import Any


class Failing:
    """Stands before a method of a running broker's transport.

    Args:
        broker: the broker.
        method: `send` or `send_batch`.
        *errors: raised by the first calls; None: that call hangs. Later calls go through.
    """

    def __init__(self, broker: Any, method: str, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.failed: list[Exception] = []  # what the transport itself has raised
        self._real = getattr(broker.transport, method)
        setattr(broker.transport, method, self)

    async def __call__(self, *args: Any) -> Any:
        self.calls += 1
        if self.errors:
            error = self.errors.pop(0)
            if error is not None:
                raise error
            await asyncio.Event().wait()
        try:
            return await self._real(*args)
        except Exception as error:
            self.failed.append(error)
            raise
