"""Request and reply: one permanent consumer of direct replies for all requests."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

from aiormq.abc import DeliveredMessage

from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.errors import ConnectionLost, NobodyAnswers
from anystream.rabbit.incoming import Incoming
from anystream.rabbit.queue import RABBIT_REPLY
from anystream.rabbit.response import RabbitPublishCommand
from anystream.rabbit.sender import RabbitSender

Waiting = asyncio.Future[DeliveredMessage]


class Requests:
    """Sends requests on a channel that also gets the answers, told apart by correlation id.

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
        channel = self._channel
        if channel is None or channel.is_closed or not self.connection.is_up:
            channel = await self._open(command, timeout)
        command.reply_to = RABBIT_REPLY.name
        key = str(command.correlation_id)
        future: Waiting = loop.create_future()
        self._waiting.setdefault(key, deque()).append(future)
        timer = loop.call_at(deadline, _expire, future, command.destination, timeout)
        try:
            left = deadline - loop.time()
            taken = await self.sender.publish(channel, command, data, content_type, left)
            if type(taken) is DeliveredMessage:
                raise NobodyAnswers(
                    f"nobody answers on {command.destination!r}: no queue takes the request"
                )
            return Incoming(await future)
        finally:
            timer.cancel()
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                future.exception()  # or the loop complains that nobody asked
            self._drop(key, future)

    def _drop(self, key: str, future: Waiting) -> None:
        futures = self._waiting.get(key)
        if futures is not None:
            if future in futures:
                futures.remove(future)
            if not futures:
                del self._waiting[key]

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
        channel.closing.add_done_callback(self._on_closing)
        self._channel = channel
        return channel

    async def _new_channel(self) -> Any:
        channel = await self.connection.channel(confirms=True)
        with self.connection.told_apart():
            await channel.basic_consume(RABBIT_REPLY.name, self._answered, no_ack=True)
        return channel

    def _on_closing(self, closing: asyncio.Future[Any]) -> None:
        if not closing.cancelled():
            closing.exception()  # or the loop complains that nobody asked
        self._fail_all()

    async def _answered(self, delivered: DeliveredMessage) -> None:
        key = delivered.header.properties.correlation_id
        if key is None and len(self._waiting) == 1:
            key = next(iter(self._waiting))  # it can be for nobody else
        futures = self._waiting.get(str(key))
        while futures:
            future = futures.popleft()
            if not future.done():
                future.set_result(delivered)
                return
        self.connection.say(logging.DEBUG, f"an answer that nobody waits for: {key!r}")


def _no_answer(destination: str, timeout: float) -> TimeoutError:
    return TimeoutError(f"no answer on {destination!r} within {timeout} seconds")


def _expire(future: Waiting, destination: str, timeout: float) -> None:
    if not future.done():
        future.set_exception(_no_answer(destination, timeout))
