"""Request/reply over a topic: which answer belongs to which request.

The client's package reads the reply topic from its end on and hands every record to `arrived`;
records are told apart by the header `correlation_id`, and those of others are left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from anystream.core.exceptions import FeatureNotSupportedException
from anystream.kafka_common.errors import ReplyTimeout


def no_reply_topic(broker: Any) -> FeatureNotSupportedException:
    """The error of `request` on a broker without a reply topic."""
    return FeatureNotSupportedException(
        f"{broker!r} cannot send requests: Kafka has no addresses for answers of its own. "
        f"Give the broker a topic for them: {type(broker).__name__}(..., reply_topic='answers')"
    )


class PendingReplies:
    """Requests that wait for an answer."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Any]]] = {}

    def arrived(self, correlation_id: str, raw: Any) -> bool:
        """Hands an answer to who waits for it; False when nobody does."""
        waiting = self._waiting.get(correlation_id)
        if not waiting:
            return False
        future = waiting.pop(0)
        if not waiting:
            del self._waiting[correlation_id]
        if not future.done():
            future.set_result(raw)
        return True

    async def ask(
        self, correlation_id: str, send: Callable[[], Awaitable[Any]], topic: str, timeout: float
    ) -> Any:
        """Sends a request and waits for its answer.

        Args:
            correlation_id: how the answer is known.
            send: publishes the request.
            topic: where it goes, for the message of the error.
            timeout: seconds for both.

        Raises:
            ReplyTimeout: there was no answer in time.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(correlation_id, []).append(future)

        async def sent_and_answered() -> Any:
            await send()
            return await future

        try:
            return await asyncio.wait_for(sent_and_answered(), timeout)
        except asyncio.TimeoutError:
            raise ReplyTimeout(f"no answer on {topic!r} within {timeout} seconds") from None
        finally:
            self._forget(correlation_id, future)

    def _forget(self, correlation_id: str, future: asyncio.Future[Any]) -> None:
        waiting = self._waiting.get(correlation_id, [])
        if future in waiting:
            waiting.remove(future)
            if not waiting:
                del self._waiting[correlation_id]

    def fail(self, error: Exception) -> None:
        """Ends all requests: the broker stops, or the reply topic cannot be read."""
        for waiting in self._waiting.values():
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
        self._waiting.clear()
