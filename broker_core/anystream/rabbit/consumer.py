"""A consumer at the server: what it delivered and what of that is not acknowledged yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiormq.exceptions as native
from aiormq.abc import DeliveredMessage

from anystream.rabbit.errors import ConnectionLost
from anystream.rabbit.incoming import Incoming


class Consumer:
    """One consumer tag on one channel.

    Args:
        channel: the client's channel (the one below its robust channels).
        settles: whether messages have to be acknowledged.
        is_stream: whether it reads a stream, which takes nothing back.
        arrived: called with each message.
        held: what an earlier consumer of the channel left unacknowledged.
    """

    def __init__(
        self,
        channel: Any,
        *,
        settles: bool,
        is_stream: bool,
        arrived: Callable[[Incoming], None],
        held: set[int] | None = None,
    ) -> None:
        self.channel = channel
        self.is_stream = is_stream
        self.arrived = arrived
        self.held: set[int] = set() if held is None else held  # not acknowledged yet
        self.tag = ""
        self._holder = self if settles else None

    async def begin(self, queue: str, arguments: Mapping[str, Any] | None) -> None:
        """Starts consuming."""
        answer = await self.channel.basic_consume(
            queue,
            self._take,
            no_ack=self._holder is None,
            arguments=dict(arguments) if arguments else None,
        )
        self.tag = answer.consumer_tag

    async def _take(self, delivered: DeliveredMessage) -> None:
        if self._holder is not None:
            self.held.add(delivered.delivery.delivery_tag)  # type: ignore[union-attr, arg-type]
        self.arrived(Incoming(delivered, self._holder))

    @property
    def alive(self) -> bool:
        """Whether the server may deliver."""
        return not self.channel.is_closed and self.tag in self.channel.consumers

    async def settle(
        self, delivered: DeliveredMessage, verb: str, options: Mapping[str, bool]
    ) -> None:
        """Tells the server: `ack`, `nack` or `reject`.

        Raises:
            ConnectionLost: the channel is gone, and the server delivers the message again.
        """
        tag: Any = delivered.delivery_tag
        channel: Any = delivered.channel
        try:
            if verb == "ack" or self.is_stream:  # of a stream one can only go on
                await channel.basic_ack(tag, options.get("multiple", False), wait=False)
            elif verb == "nack":
                await channel.basic_nack(tag, wait=False, **options)
            else:
                await channel.basic_reject(tag, wait=False, **options)
        except native.ChannelInvalidStateError as error:
            raise ConnectionLost(
                f"the channel of message {tag} is gone: the server delivers it again"
            ) from error
        self.settled(tag, options.get("multiple", False))

    def settled(self, tag: int | None, multiple: bool) -> None:
        """Takes note that a message (or all up to it) was acknowledged."""
        if tag is None:
            return
        if multiple:
            self.held.difference_update([item for item in self.held if item <= tag])
        else:
            self.held.discard(tag)

    async def give_back(self, tags: Sequence[int]) -> None:
        """Puts messages back into the queue; nothing happens if the server has done so itself."""
        for tag in tags:
            if not self.channel.is_closed and not self.is_stream:
                await self.channel.basic_nack(tag, requeue=True, wait=False)
            self.held.discard(tag)

    async def end(self) -> None:
        """Stops consuming; what was delivered can still be acknowledged."""
        if self.alive:
            await self.channel.basic_cancel(self.tag)
