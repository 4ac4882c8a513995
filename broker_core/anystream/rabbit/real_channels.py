"""The real channels that subscribers consume from."""

from __future__ import annotations

import asyncio
from typing import Any

from anystream.rabbit.channel import Channel
from anystream.rabbit.connection import RabbitConnection


class RealChannel:
    """One real channel, opened again when it was closed.

    Args:
        connection: the connection.
        settings: what it is like.
        number: its number; chosen by the client when not given.
    """

    def __init__(
        self, connection: RabbitConnection, settings: Channel, number: int | None = None
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.number = number
        self.users = 0
        self.lock = asyncio.Lock()
        self._channel: Any = None

    async def open(self, prefetch: int) -> Any:
        """The channel, ready for a consumer with this limit. Call it holding `lock`."""
        channel = self._channel
        if channel is None or channel.is_closed:
            channel = self._channel = await self.connection.channel(number=self.number)
        await channel.basic_qos(prefetch_count=prefetch, global_=self.settings.global_qos)
        return channel

    async def close(self) -> None:
        """Closes the channel: the server has then seen every acknowledgement on it."""
        channel, self._channel = self._channel, None
        if channel is not None and not channel.is_closed:
            try:
                with self.connection.told_apart():
                    await channel.close()
            except OSError:
                return  # it went with the connection


class RealChannels:
    """The channels of a broker, one for each `Channel` object.

    Args:
        connection: the connection.
        default: the broker's own settings; a number in them is that of the publishing channel.
    """

    def __init__(self, connection: RabbitConnection, default: Channel | None) -> None:
        self.connection = connection
        self.default = default
        self._shared: dict[int, RealChannel] = {}

    def take(self, settings: Channel | None) -> RealChannel:
        """The channel of a `Channel` object; a new one when there is none to share."""
        if settings is None:
            real = RealChannel(self.connection, Channel())
        else:
            number = settings.channel_number if settings is not self.default else None
            made = RealChannel(self.connection, settings, number)
            real = self._shared.setdefault(id(settings), made)
        real.users += 1
        return real

    async def leave(self, real: RealChannel) -> None:
        """Gives a channel back; the last user closes it."""
        real.users -= 1
        if real.users <= 0:
            self._shared.pop(id(real.settings), None)
            await real.close()

    def clear(self) -> None:
        """Forgets all channels; the connection is gone."""
        self._shared.clear()
