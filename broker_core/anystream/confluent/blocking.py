"""Calls of the client that block, away from the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from anystream.confluent.reports import in_loop

T = TypeVar("T")


async def in_thread(call: Callable[..., T], *args: Any) -> T:
    """Runs a function in a thread of its own and returns its result.

    The thread is a daemon and nobody's worker: a call that hangs holds up neither others nor the
    end of the process. Cancelled, it is left to its end, which every caller bounds by a timeout.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = call(*args)
        except BaseException as error:
            in_loop(loop, settle, future, None, error)
        else:
            in_loop(loop, settle, future, result, None)

    threading.Thread(target=run, name="anystream-confluent-call", daemon=True).start()
    return await future


def settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Ends a future, if nobody has: its waiter may have been cancelled."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
