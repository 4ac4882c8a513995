"""Messages of a channel, or of all channels that a pattern fits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import redis.exceptions

from anystream.core.runner import inside_handler_of
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Feed
from anystream.redis.connection import RedisConnection
from anystream.redis.explaining import explained
from anystream.redis.line import Line
from anystream.redis.schemas import PubSub
from anystream.redis.source import wire_channel

CONFIRM_SECONDS = 5.0


class ChannelFeed(Feed):
    """Has a subscription of its own, and makes it again after an outage.

    Args:
        connection: a connection that is up.
        subscriber: whose messages they are.
        source: how they are read.
    """

    pulls = True

    def __init__(self, connection: RedisConnection, subscriber: Subscriber, source: PubSub) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.source = source
        self.channel, self.is_pattern = wire_channel(subscriber.full_address, source)
        self._line: Line | None = None
        self._quiet = False  # paused, and all that came before is handed out
        self._ended: asyncio.Future[None] | None = None
        self._resumed: asyncio.Future[None] | None = None

    async def open(self) -> None:
        ended = self._ended
        if self._line is not None and ended is not None and not self._waits_for_itself():
            await ended  # resumed before the pause was through
        if self._line is None:
            with explained(self.subscriber):
                await self._connect()
        self._quiet = False
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.set_result(None)

    async def _connect(self) -> None:
        silence = max(1.0, self.source.polling_interval)
        line = await self.connection.dial(None, listens=True, block=silence)
        verb = "PSUBSCRIBE" if self.is_pattern else "SUBSCRIBE"
        try:
            await asyncio.wait_for(line.ask(verb, self.channel), CONFIRM_SECONDS)
        except asyncio.TimeoutError:
            await line.close()
            raise redis.exceptions.TimeoutError("the subscription was not confirmed") from None
        except BaseException:
            await line.close()
            raise
        self._line = line

    async def fetch(self) -> Sequence[Any]:
        if self._quiet and self._resumed is not None:
            await asyncio.shield(self._resumed)
        line = self._line
        if line is None:
            with explained(self.subscriber):
                await self._connect()
            return ()
        try:
            answer = await line.read()
        except (redis.exceptions.RedisError, OSError) as error:
            self._line = None
            await self.connection.lost(line, None)
            if self._resumed is not None:
                self._fall_quiet()
                return ()
            with explained(self.subscriber):
                raise error
        kind = answer[0]
        if kind == b"message":
            return (message_of(answer[1], answer[2]),)
        if kind == b"pmessage":
            return (message_of(answer[2], answer[3], answer[1]),)
        if kind in (b"unsubscribe", b"punsubscribe"):
            await self._hang_up()
            self._fall_quiet()
        return ()

    def _fall_quiet(self) -> None:
        self._quiet = True
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def pause(self) -> None:
        if self._resumed is not None:
            return
        loop = asyncio.get_running_loop()
        self._resumed, self._ended = loop.create_future(), loop.create_future()
        line = self._line
        if line is None:  # an outage: nothing can come
            self._fall_quiet()
            return
        verb = "PUNSUBSCRIBE" if self.is_pattern else "UNSUBSCRIBE"
        try:
            await line.send(line.pack(verb, self.channel), False)
        except (redis.exceptions.RedisError, OSError):
            return  # the reader notices, too
        if not self._waits_for_itself():
            await self._ended  # what came before is handed out by then

    def _waits_for_itself(self) -> bool:
        # a handler that pauses its own subscriber holds the only loop that reads
        return self.subscriber.workers == 1 and inside_handler_of(self.subscriber)

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def close(self) -> None:
        await self._hang_up()

    @property
    def alive(self) -> bool:
        return self._line is not None or self._resumed is not None


def message_of(channel: bytes, data: bytes, pattern: bytes | None = None) -> dict[str, Any]:
    """The native message, as the client library has it."""
    return {
        "type": "message" if pattern is None else "pmessage",
        "pattern": pattern,
        "channel": channel.decode(errors="replace"),
        "data": data,
    }
