"""Publishing, with the server's confirmation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import aiormq.exceptions as native
from aiormq.abc import DeliveredMessage

from anystream.core.exceptions import (
    FeatureNotSupportedException,
    PublishError,
    PublishTimeout,
)
from anystream.core.response import PublishType
from anystream.rabbit.channel import Channel
from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.declarer import Declarer
from anystream.rabbit.errors import ConnectionLost, MessageRefused, MessageReturned, NoExchange
from anystream.rabbit.exchange import RabbitExchange
from anystream.rabbit.properties import make_properties, name_request, ready_properties
from anystream.rabbit.response import RabbitPublishCommand

PUBLISH_TIMEOUT = 10.0
DIRECT_REPLY = "amq.rabbitmq.reply-to."
_REPLY = PublishType.REPLY


class RabbitSender:
    """Publishes through one channel of its own.

    Args:
        connection: the connection.
        declarer: checks exchanges.
        settings: confirms or not, and what is done with returned messages.
        app_id: the application's name in every message.
    """

    def __init__(
        self,
        connection: RabbitConnection,
        declarer: Declarer,
        settings: Channel,
        app_id: str | None,
    ) -> None:
        self.connection = connection
        self.declarer = declarer
        self.settings = settings
        self.app_id = app_id
        self.limit = PUBLISH_TIMEOUT  # seconds for one message, unless it has a limit of its own
        self._channel: Any = None
        self._replies: Any = None
        self._opening: asyncio.Task[Any] | None = None

    def forget(self) -> None:
        """Lets go of the channel; the connection is (or will be) another one."""
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
        self._channel = self._replies = None

    async def _open(self, timeout: float) -> Any:
        channel = self._channel
        if channel is not None and not channel.is_closed and self.connection.is_up:
            return channel
        if self._opening is None or self._opening.done():
            self._opening = asyncio.ensure_future(self._open_channel())
        done, _ = await asyncio.wait({self._opening}, timeout=timeout)
        if not done:
            raise ConnectionLost(
                f"RabbitMQ at {self.connection.address} is away, and did not come back within "
                f"{timeout:.3g} seconds"
            )
        return self._opening.result()

    async def _open_channel(self) -> Any:
        self._channel = await self.connection.when_up(
            lambda: self.connection.channel(
                confirms=self.settings.publisher_confirms, number=self.settings.channel_number
            )
        )
        return self._channel

    async def send(
        self, command: RabbitPublishCommand, data: bytes, content_type: str | None
    ) -> Any:
        """Publishes; returns the server's confirmation, or the frame that it returned.

        Raises:
            PublishError: it could not be sent, see `errors`.
        """
        reply = command.publish_type is PublishType.REPLY
        if reply and command.destination.startswith(DIRECT_REPLY):
            return await self._send_direct(command, data, content_type)
        timeout = command.options.get("timeout") or self.limit
        time = asyncio.get_running_loop().time
        deadline = time() + timeout
        while True:
            channel = self._channel
            if channel is None or channel.is_closed or not self.connection.is_up:
                channel = await self._open(timeout)
                timeout = deadline - time()
            try:
                result = await self.publish(channel, command, data, content_type, timeout)
                break
            except ConnectionLost as error:
                timeout = deadline - time()
                if timeout <= 0 or not _was_not_sent(error):
                    raise
        if type(result) is DeliveredMessage:
            self._note_returned(command, result)
        return result

    async def _send_direct(
        self, command: RabbitPublishCommand, data: bytes, content_type: str | None
    ) -> None:
        """A direct reply is kept nowhere: who asked has it, or nobody will. So it is sent without
        a confirmation; the acknowledgement of the request comes after it on the same connection.
        """
        channel = self._replies
        if channel is None or channel.is_closed or not self.connection.is_up:
            try:
                channel = self._replies = await self.connection.channel()
            except (native.AMQPError, RuntimeError, OSError) as error:
                raise self._lost(command.destination) from error
        command.options["mandatory"] = False
        await self.publish(channel, command, data, content_type, self.limit)

    async def publish(
        self,
        channel: Any,
        command: RabbitPublishCommand,
        data: bytes,
        content_type: str | None,
        timeout: float | None,
    ) -> Any:
        """Publishes through a channel and waits for its confirmation.

        Args:
            channel: the client's channel.
            command: with its options filled.
            data: the encoded body.
            content_type: of that body.
            timeout: seconds for the confirmation.
        """
        exchange, key = target(command)
        if exchange is not None and exchange.name:
            await self._check(exchange)
        options = command.options
        if options.get("immediate"):
            raise FeatureNotSupportedException(
                f"publish to {key!r}: RabbitMQ has no immediate=True since version 3.0; use "
                "expiration=0 and mandatory=True instead"
            )
        ready = command.ready
        if ready is not None and ready.body is command.body:
            properties = ready_properties(ready)
        else:
            properties = make_properties(command, content_type, self.app_id)
        asked = command.answers
        if asked and asked != properties.correlation_id and key.startswith(DIRECT_REPLY):
            name_request(properties, asked)
        try:
            with self.connection.told_apart():
                return await channel.basic_publish(
                    data,
                    exchange=exchange.name if exchange is not None else "",
                    routing_key=key,
                    properties=properties,
                    mandatory=options.get("mandatory", True),
                    timeout=timeout,
                    # who waits for the confirmation need not wait for the socket
                    wait=not channel.publisher_confirms and command.publish_type is not _REPLY,
                )
        except Exception as error:
            raise self._explained(error, command, key, data) from error

    async def send_batch(
        self, command: RabbitPublishCommand, batch: Sequence[tuple[bytes, str | None]]
    ) -> list[Any]:
        """Publishes several bodies without waiting for each confirmation; returns all of them."""
        timeout = command.options.get("timeout") or self.limit
        channel = await self._open(timeout)
        work = [self.publish(channel, command, data, kind, timeout) for data, kind in batch]
        results = await asyncio.gather(*work, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        for result in results:
            if type(result) is DeliveredMessage:
                self._note_returned(command, result)
        return results

    async def _check(self, exchange: RabbitExchange) -> None:
        """An exchange that is not there would cost the channel, with all that is under way."""
        if not await self.declarer.exists(exchange):
            raise NoExchange(
                f"there is no exchange {exchange.name!r} at {self.connection.address}: declare it "
                f"with a publisher, a subscriber or `broker.declare_exchange`"
            )

    def _note_returned(self, command: RabbitPublishCommand, returned: DeliveredMessage) -> None:
        exchange, key = target(command)
        reply = command.publish_type is PublishType.REPLY
        name = exchange.name if exchange is not None else ""
        frame: Any = returned.delivery
        text = (
            f"the message for {key!r}{f' at the exchange {name!r}' if name else ''} was returned "
            f"by RabbitMQ ({frame.reply_text}): "
            + ("who asked waits no more" if reply else "no queue takes it")
        )
        if self.settings.on_return_raises and not reply:
            raise MessageReturned(text, returned)
        self.connection.say(logging.DEBUG if reply else logging.WARNING, text)

    def _lost(self, key: str) -> ConnectionLost:
        return ConnectionLost(
            f"publish to {key!r}: the connection to RabbitMQ at {self.connection.address} was "
            "lost before the message was confirmed; it may have been taken or not"
        )

    def _explained(
        self, error: Exception, command: RabbitPublishCommand, key: str, data: bytes
    ) -> Exception:
        what = f"publish to {key!r}"
        if isinstance(error, asyncio.TimeoutError):
            return PublishTimeout(f"{what}: RabbitMQ did not confirm the message in time")
        if isinstance(error, native.ChannelNotFoundEntity):
            exchange = command.exchange
            self.declarer.forget(exchange.name if exchange else "")
            return NoExchange(f"{what}: {error}")
        if isinstance(error, native.DeliveryError):
            return MessageRefused(
                f"{what}: RabbitMQ refuses the message: a queue is full", error.frame
            )
        if isinstance(error, (native.ChannelPreconditionFailed, native.ChannelAccessRefused)):
            return MessageRefused(f"{what} ({len(data)} bytes): RabbitMQ refuses: {error}")
        lost = (native.AMQPError, native.ChannelInvalidStateError, OSError, RuntimeError)
        if isinstance(error, lost):
            return self._lost(key)
        if isinstance(error, (TypeError, ValueError, AttributeError, OverflowError)):
            return PublishError(
                f"{what}: a header or an option has a value that AMQP cannot carry: {error}"
            )
        return error


def _was_not_sent(error: ConnectionLost) -> bool:
    """Whether the channel was closed before the message had its turn on it."""
    return isinstance(error.__cause__, native.ChannelInvalidStateError)


def target(command: RabbitPublishCommand) -> tuple[RabbitExchange | None, str]:
    """Exchange and routing key; a reply's address may name both, `queue|exchange`."""
    key = command.destination
    if command.publish_type is PublishType.REPLY:
        key, _, name = key.partition("|")
        return (RabbitExchange(name) if name else None), key
    return command.exchange, key
