"""A subscription of the client library, ended without losing what it has taken.

The library's own `drain` asks for its round trip before the server knows that the subscription
ends, and `unsubscribe` drops what waits. So this is done here, with a few of its internals:
`_send_unsubscribe`, `_remove_sub`, and of a subscription `_id`, `_pending_queue` and
`_wait_for_msgs_task`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from anystream.core.runner import inside_handler_of
from anystream.core.subscriber import Subscriber
from anystream.nats.connection import NatsConnection

CANCEL_TIMEOUT = 5.0


class Intake:
    """A subscription with a callback.

    Args:
        connection: where it was made.
        subscription: the client library's subscription.
        subscriber: whose messages it takes.
    """

    def __init__(
        self, connection: NatsConnection, subscription: Any, subscriber: Subscriber
    ) -> None:
        self.connection = connection
        self.client: Any = connection.client
        self.subscription = subscription
        self.subscriber = subscriber
        self._ended = False
        self._later: asyncio.Future[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether messages can arrive."""
        if self._ended or not self.client.is_connected:
            return False
        # a subscription for `max_msgs` messages ends by itself, and that is as it should be
        return self.subscription._max_msgs > 0 or not self.subscription._wait_for_msgs_task.done()

    def _waits_for_itself(self) -> bool:
        # a handler that stops its own subscriber holds the only callback there is
        return self.subscriber.workers == 1 and inside_handler_of(self.subscriber)

    async def drain(self) -> None:
        """Ends the subscription at the server and waits until all that came was handed over."""
        await self._unsubscribe()
        known = await self.connection.round_trip()
        if not known:  # an outage: nothing comes any more, and it must not be subscribed again
            self.client._remove_sub(self.subscription._id)
            await self._unsubscribe()
        if not self._waits_for_itself():
            await self.subscription._pending_queue.join()
        await self.end()

    async def _unsubscribe(self) -> None:
        if self.client.is_connected and not self.client.is_draining:
            await self.client._send_unsubscribe(self.subscription._id)

    async def end(self) -> None:
        """Ends the subscription now; cancels the handler that runs in it."""
        if self._ended:
            return
        self._ended = True
        await self._unsubscribe()
        self.client._remove_sub(self.subscription._id)
        self._end_stream_tasks()
        if self._waits_for_itself():
            self._later = asyncio.ensure_future(self._end_later())
        else:
            await self._end_task()

    def _end_stream_tasks(self) -> None:
        inner = getattr(self.subscription, "_sub", None)
        state = getattr(inner, "_jsi", None)
        for task in (getattr(state, "_hbtask", None), getattr(state, "_fctask", None)):
            if task is not None:
                task.cancel()

    async def _end_task(self) -> None:
        task = self.subscription._wait_for_msgs_task
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_TIMEOUT)

    async def _end_later(self) -> None:
        await self.subscription._pending_queue.join()
        await self._end_task()
