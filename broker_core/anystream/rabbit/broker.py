"""The RabbitMQ broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aio_pika
from typing_extensions import Unpack
from yarl import URL

from anystream.core.broker import Broker, BrokerSpecification
from anystream.core.exceptions import OptionError
from anystream.core.options import check_options, chosen_options
from anystream.core.own_version import own_version
from anystream.core.publisher import Publisher
from anystream.core.response import PublishCommand
from anystream.core.subscriber import Subscriber
from anystream.rabbit import bindings
from anystream.rabbit.channel import Channel
from anystream.rabbit.commands import batch_command, check_timeout, publish_command
from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.declarations import RabbitDeclarations
from anystream.rabbit.exchange import RabbitExchange
from anystream.rabbit.options import (
    Callbacks,
    LinkOptions,
    PublishOptions,
    RabbitBrokerOptions,
    RequestOptions,
)
from anystream.rabbit.outbox import RabbitOutbox
from anystream.rabbit.queue import RabbitQueue
from anystream.rabbit.response import RabbitPublishCommand
from anystream.rabbit.security import connect_options
from anystream.rabbit.transport import RabbitTransport
from anystream.rabbit.urls import make_url, without_credentials


class RabbitBroker(RabbitDeclarations, Broker):
    """A broker on RabbitMQ.

    Args:
        url: the server, `amqp://` or `amqps://`.
        **options: see `RabbitBrokerOptions`.

    Raises:
        OptionError: an option does not exist, or has a wrong value.
    """

    kind = "rabbit"
    command_class = RabbitPublishCommand
    outbox_class = RabbitOutbox

    def __init__(
        self,
        url: str | URL = "amqp://guest:guest@localhost:5672/",
        **options: Unpack[RabbitBrokerOptions],
    ) -> None:
        check_options("RabbitBroker", options, RabbitBrokerOptions)
        security = connect_options(options.get("security"))
        address = make_url(url, options, security)
        default = options.get("default_channel")
        if default is not None and not isinstance(default, Channel):
            raise OptionError(f"RabbitBroker: default_channel={default!r} is no Channel")
        self.default_channel = default
        given = chosen_options(options, LinkOptions)
        link = {name: value for name, value in given.items() if value is not None}
        if security.get("ssl_context") is not None:
            link["ssl_context"] = security["ssl_context"]
        self.rabbit = RabbitConnection(address, link, self._say, chosen_options(options, Callbacks))
        transport = RabbitTransport(
            self.rabbit, self, default, options.get("app_id", f"anystream-{own_version()}")
        )
        super().__init__(
            transport,
            BrokerSpecification.of(
                options,
                url=without_credentials(address),
                protocol=address.scheme,
                version="0.9.1",
            ),
            options,
        )

    async def publish(
        self,
        message: Any = None,
        queue: RabbitQueue | str = "",
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[PublishOptions],
    ) -> Any:
        """Publishes a message and waits until the server has taken it.

        Args:
            message: the body; a message of the client library is sent as it is.
            queue: the queue; its routing key is used.
            exchange: the exchange, which must exist; the default one when not given.
            **options: see `PublishOptions`.

        Returns:
            The client's confirmation frame (None without publisher confirms), or the returned
            message when no queue takes it.

        Raises:
            IncorrectState: not connected.
            PublishError: it could not be sent: `ConnectionLost`, `NoExchange`, `MessageRefused`,
                `PublishTimeout`, with `Channel(on_return_raises=True)` also `MessageReturned`.
        """
        check_options("publish", options, PublishOptions)
        return await self.publish_command(publish_command(message, queue, exchange, options))

    async def publish_batch(
        self,
        *messages: Any,
        queue: RabbitQueue | str = "",
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[PublishOptions],
    ) -> list[Any]:
        """Publishes several messages and waits until the server has taken all of them.

        Args:
            *messages: the bodies.
            queue, exchange, **options: as with `publish`, for each of them.

        Returns:
            What `publish` returns, for each message.

        Raises:
            PublishError: one of them could not be sent; others may have been.
        """
        check_options("publish_batch", options, PublishOptions)
        command = batch_command(messages, queue, exchange, options)
        results: list[Any] = await self.publish_batch_command(command)
        return results

    async def request(
        self,
        message: Any = None,
        queue: RabbitQueue | str = "",
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Any:
        """Publishes a message and returns the answer's message.

        Args:
            message: the body.
            queue: the queue; its routing key is used.
            exchange: the exchange, which must exist; the default one when not given.
            **options: see `RequestOptions`; `timeout` are the seconds to wait for the answer, 30
                by default.

        Raises:
            TimeoutError: nobody answered in time.
            NobodyAnswers: no queue takes the request.
            PublishError: it could not be sent.
        """
        check_options("request", options, RequestOptions)
        timeout = check_timeout(options.pop("timeout", 30.0))
        command = publish_command(message, queue, exchange, options)
        return await self.request_command(command, timeout)

    async def declare_queue(self, queue: RabbitQueue | str) -> aio_pika.abc.AbstractRobustQueue:
        """Declares a queue; again after a reconnect.

        Returns:
            The client library's queue, the same object for equal queues; a mock in test mode.

        Raises:
            IncorrectState: not connected.
            SetupError: the server refuses, see `anystream.rabbit.errors`.
        """
        self._if_connected(self._own_transport.channel)
        made: aio_pika.abc.AbstractRobustQueue = await self._own_transport.declare_queue(
            RabbitQueue.of(queue)
        )
        return made

    async def declare_exchange(
        self, exchange: RabbitExchange | str
    ) -> aio_pika.abc.AbstractRobustExchange:
        """Declares an exchange, with what it is bound to; again after a reconnect.

        Returns:
            The client library's exchange, the same object for equal ones; a mock in test mode.

        Raises:
            IncorrectState: not connected.
            SetupError: the server refuses, see `anystream.rabbit.errors`.
        """
        self._if_connected(self._own_transport.channel)
        made: aio_pika.abc.AbstractRobustExchange = await self._own_transport.declare_exchange(
            RabbitExchange.of(exchange)
        )
        return made

    @property
    def _own_transport(self) -> Any:
        # in test mode it is the one of `testing`, whose channel and declarations are mocks
        return self.transport

    @property
    def channel(self) -> Any:
        """A channel of the client library, for what this broker does not do; a mock in test mode.

        Raises:
            IncorrectState: not connected.
        """
        return self._if_connected(self._own_transport.channel)

    @property
    def producer(self) -> Any:
        """What publishes below the middlewares; a mock in test mode."""
        return self._own_transport.sender

    def fill_command(self, command: Any, options: Mapping[str, Any]) -> None:
        if command.exchange is None:
            command.exchange = options.get("exchange")
        lasting = options.get("lasting")
        if lasting:
            command.options = {**lasting, **command.options}

    def command_to(
        self, declared: Subscriber | Publisher, address: str, body: Any
    ) -> PublishCommand:
        command = super().command_to(declared, address, body)
        command.exchange = bindings.exchange_of(declared)  # type: ignore[attr-defined]
        return command

    def channel_name(self, declared: Subscriber | Publisher, address: str) -> str:
        return bindings.channel_name(declared, address)

    def shown_address(self, declared: Subscriber | Publisher, address: str) -> str | None:
        return bindings.shown_address(declared, address)

    def channel_addresses(self, declared: Subscriber | Publisher) -> Sequence[str]:
        return [bindings.address(declared)]

    def channel_bindings(self, declared: Subscriber | Publisher, address: str) -> Mapping[str, Any]:
        return bindings.channel_bindings(declared, self.specification.url[0])

    def operation_bindings(
        self, declared: Subscriber | Publisher, address: str
    ) -> Mapping[str, Any]:
        return bindings.operation_bindings(declared)

    def bindings_in_26(
        self, declared: Subscriber | Publisher, address: str
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return bindings.bindings_in_26(declared, self.specification.url[0])

    def log_columns(self) -> Mapping[str, int]:
        found = [sub.source for sub in self.subscribers]
        exchange = max((len(source.exchange.name) for source in found), default=4)
        queue = max((len(source.queue.name) for source in found), default=4)
        return {"exchange": max(4, exchange), "queue": max(4, queue), "message_id": 10}

    def log_fields(self, subscriber: Subscriber, message: Any) -> dict[str, Any]:
        source = subscriber.source
        return {
            "exchange": source.exchange.name,
            "queue": source.queue.name,
            "message_id": message.message_id[:10] if message is not None else "",
        }
