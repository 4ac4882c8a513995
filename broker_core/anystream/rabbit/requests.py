"""Request and reply: one permanent consumer of direct replies for all requests."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any

import aiormq.exceptions as native
from aiormq.abc import DeliveredMessage

from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.errors import ConnectionLost, NobodyAnswers
from anystream.rabbit.incoming import Incoming
from anystream.rabbit.properties import take_request_id
from anystream.rabbit.queue import RABBIT_REPLY
from anystream.rabbit.response import RabbitPublishCommand
from anystream.rabbit.sender import RabbitSender

Waiting = asyncio.Future[DeliveredMessage]

REMEMBERED = 1000  # requests that are over, to know what a late answer is about


class Requests:
    """Sends requests on a channel that also gets the answers, told apart by correlation id.

    An answer under another id than its request's names that one in a header (see `properties`).
    One that does not can only be for the single request that waits: as long as no earlier one is
    without an answer, which this may be.

    Args:
        connection: the connection.
        sender: publishes.
    """

    def __init__(self, connection: RabbitConnection, sender: RabbitSender) -> None:
        self.connection = connection
        self.sender = sender
        self._channel: Any = None
        self._opening: asyncio.Task[Any] | None = None
        self._waiting: dict[str, deque[Waiting]] = {}
        self._over: deque[str] = deque(maxlen=REMEMBERED)
        self._unanswered: dict[str, None] = {}  # of those, in this order

    def forget(self) -> None:
        """Lets go of the channel and fails all who wait."""
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
        self._channel = None
        self._fail_all()

    def _fail_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for futures in waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(
                        ConnectionLost(
                            f"the connection to RabbitMQ at {self.connection.address} was lost "
                            "while an answer was awaited"
                        )
                    )

    async def ask(
        self, command: RabbitPublishCommand, data: bytes, content_type: str | None, timeout: float
    ) -> Incoming:
        """Publishes and returns the answer.

        Raises:
            TimeoutError: no answer in time.
            NobodyAnswers: no queue takes the request.
            PublishError: it could not be sent.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        channel = self._channel if self._is_ready else await self._open(command, timeout)
        command.reply_to = RABBIT_REPLY.name
        key = str(command.correlation_id)
        future: Waiting = loop.create_future()
        self._waiting.setdefault(key, deque()).append(future)
        timer = loop.call_at(deadline, _expire, future, command.destination, timeout)
        settled = False  # whether no answer can come any more
        try:
            left = deadline - loop.time()
            taken = await self.sender.publish(channel, command, data, content_type, left)
            if type(taken) is DeliveredMessage:
                settled = True
                raise NobodyAnswers(
                    f"nobody answers on {command.destination!r}: no queue takes the request"
                )
            answer = await future
            settled = True
            return Incoming(answer)
        finally:
            timer.cancel()
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                future.exception()  # or the loop complains that nobody asked
            self._drop(key, future)
            self._over.append(key)
            if not settled:
                self._note_unanswered(key)

    def _drop(self, key: str, future: Waiting) -> None:
        futures = self._waiting.get(key)
        if futures is not None:
            if future in futures:
                futures.remove(future)
            if not futures:
                del self._waiting[key]

    def _note_unanswered(self, key: str) -> None:
        self._unanswered[key] = None
        if len(self._unanswered) > REMEMBERED:
            del self._unanswered[next(iter(self._unanswered))]

    @property
    def _is_ready(self) -> bool:
        channel, opening = self._channel, self._opening
        if channel is None or channel.is_closed or not self.connection.is_up:
            return False
        if opening is not None and not opening.done():
            return False
        # an answer that is still to come on this channel cannot be told from one to a new request
        return bool(self._waiting) or not self._unanswered

    async def _open(self, command: RabbitPublishCommand, timeout: float) -> Any:
        # several requests may be the first one
        if self._opening is None or self._opening.done():
            self._opening = asyncio.ensure_future(self._open_channel())
        done, _ = await asyncio.wait({self._opening}, timeout=timeout)
        if not done:
            raise _no_answer(command.destination, timeout)
        return self._opening.result()

    async def _open_channel(self) -> Any:
        channel = await self.connection.when_up(self._new_channel)
        channel.closing.add_done_callback(partial(self._on_closing, channel))
        old, self._channel = self._channel, channel
        self._fail_all()  # who waits still, waits on the old one
        self._over.clear()
        self._unanswered.clear()
        if old is not None and not old.is_closed:
            gone = suppress(native.AMQPError, native.ChannelInvalidStateError, OSError)
            with gone, self.connection.told_apart():
                await old.close()
        return channel

    async def _new_channel(self) -> Any:
        channel = await self.connection.channel(confirms=True)
        with self.connection.told_apart():
            await channel.basic_consume(RABBIT_REPLY.name, self._answered, no_ack=True)
        return channel

    def _on_closing(self, channel: Any, closing: asyncio.Future[Any]) -> None:
        if not closing.cancelled():
            closing.exception()  # or the loop complains that nobody asked
        if channel is self._channel:
            self._fail_all()

    async def _answered(self, delivered: DeliveredMessage) -> None:
        key = str(take_request_id(delivered.header.properties))
        future = self._asked(key) if delivered.channel is self._channel else None
        if future is None:
            self.connection.say(logging.DEBUG, f"an answer that nobody waits for: {key!r}")
        else:
            future.set_result(delivered)

    def _asked(self, key: str) -> Waiting | None:
        """Who waits for an answer; with an unknown id, if it can be for no other request."""
        futures = self._waiting.get(key)
        while futures:
            future = futures.popleft()
            if not future.done():
                return future
        if key in self._unanswered:
            del self._unanswered[key]
            return None
        if self._unanswered or key in self._over:
            return None
        waiting = [one for futures in self._waiting.values() for one in futures if not one.done()]
        return waiting[0] if len(waiting) == 1 else None


def _no_answer(destination: str, timeout: float) -> TimeoutError:
    return TimeoutError(f"no answer on {destination!r} within {timeout} seconds")


def _expire(future: Waiting, destination: str, timeout: float) -> None:
    if not future.done():
        future.set_exception(_no_answer(destination, timeout))
