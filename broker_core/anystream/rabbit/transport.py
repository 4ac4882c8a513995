"""The RabbitMQ transport: what is opened when, and which feed reads what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed, Parse, Reader, Transport
from anystream.rabbit.channel import Channel
from anystream.rabbit.connection import RabbitConnection
from anystream.rabbit.declarer import Declarer
from anystream.rabbit.exchange import RabbitExchange
from anystream.rabbit.feed import RabbitFeed
from anystream.rabbit.incoming import Incoming
from anystream.rabbit.message import batch_parser, message_parser
from anystream.rabbit.queue import RabbitQueue
from anystream.rabbit.readers import RabbitReader
from anystream.rabbit.real_channels import RealChannels
from anystream.rabbit.requests import Requests
from anystream.rabbit.response import RabbitPublishCommand
from anystream.rabbit.sender import PUBLISH_TIMEOUT, RabbitSender
from anystream.rabbit.source import declare_source, full_queue

if TYPE_CHECKING:
    from anystream.core.router import Router


class RabbitTransport(Transport):
    """Sends and receives through one connection.

    Args:
        connection: the connection.
        declarations: what is declared, for the exchanges of publishers.
        default: the broker's channel settings; None if it has none.
        app_id: the application's name in every message.
    """

    def __init__(
        self,
        connection: RabbitConnection,
        declarations: Router,
        default: Channel | None,
        app_id: str | None,
    ) -> None:
        self.connection = connection
        self.declarations = declarations
        self.default = default
        self.declarer = Declarer(connection)
        self.channels = RealChannels(connection, default)
        self.sender = RabbitSender(connection, self.declarer, default or Channel(), app_id)
        self.requests = Requests(connection, self.sender)
        self.channel: Any = None
        self._declared: dict[RabbitQueue | RabbitExchange, Any] = {}  # the client's objects
        connection.restored.append(self.declarer.again)

    @property
    def native(self) -> Any:
        return self.connection.link

    async def connect(self) -> Any:
        self.declarer.begin()
        self.channels.clear()
        self.sender.forget()
        self.requests.forget()
        self.sender.limit = getattr(self.declarations, "publish_timeout", None) or PUBLISH_TIMEOUT
        self._declared.clear()
        link = await self.connection.connect()
        # a robust channel of the client library, for the user and for objects of his
        self.channel = link.channel()
        await self.channel.initialize()
        return link

    async def declare_queue(self, queue: RabbitQueue) -> Any:
        """Declares a queue; returns the client's object for it, the same for equal ones.

        Raises:
            SetupError: the server refuses, see `errors`.
        """
        owner = "declare_queue"
        name = await self.declarer.queue(queue, owner)
        self.declarer.keep(queue, owner)
        known = self._declared.get(queue)
        if known is None or known.name != name:  # the server names those without a name anew
            made = await self.channel.get_queue(name, ensure=False)
            known = self._declared[queue] = made
        return known

    async def declare_exchange(self, exchange: RabbitExchange) -> Any:
        """Declares an exchange; returns the client's object for it, the same for equal ones.

        Raises:
            SetupError: the server refuses, see `errors`.
        """
        if exchange.is_default:
            return self.channel.default_exchange
        owner = "declare_exchange"
        await self.declarer.exchange(exchange, owner)
        self.declarer.keep(exchange, owner)
        known = self._declared.get(exchange)
        if known is None:
            made = await self.channel.get_exchange(exchange.name, ensure=False)
            known = self._declared.setdefault(exchange, made)
        return known

    async def close(self) -> None:
        self.channel = None
        self.sender.forget()
        self.requests.forget()
        await self.connection.close()
        self.channels.clear()

    async def ping(self, timeout: float | None) -> bool:
        return await self.connection.trips.ping(timeout)

    def known_health(self) -> bool | None:
        return self.connection.trips.known()

    async def prepare(self, subscribers: Sequence[Subscriber]) -> None:
        for subscriber in subscribers:
            if not subscriber.calls:  # nobody else declares what is only read from
                await declare_source(self.declarer, subscriber, again=False)
        for publisher in self.declarations.publishers:
            exchange = publisher.options.get("exchange")
            if exchange is not None:
                await self.declarer.exchange(exchange, repr(publisher))
                self.declarer.keep(exchange, repr(publisher))

    def parser(self, subscriber: Subscriber | None) -> Parse:
        if subscriber is None:
            return message_parser(None)
        template = full_queue(subscriber).template
        captured = template if template.names else None
        return batch_parser(captured) if subscriber.batch else message_parser(captured)

    def _feed(self, subscriber: Subscriber) -> RabbitFeed:
        return RabbitFeed(self.connection, self.declarer, self.channels, subscriber, self.default)

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> Feed:
        return self._feed(subscriber)

    def reader(self, subscriber: Subscriber) -> Reader:
        return RabbitReader(self.connection, self.declarer, subscriber, self._feed(subscriber))

    async def send(  # type: ignore[override]
        self, command: RabbitPublishCommand, data: bytes, headers: dict[str, Any]
    ) -> Any:
        return await self.sender.send(command, data, headers.get("content-type"))

    async def send_batch(  # type: ignore[override]
        self, command: RabbitPublishCommand, batch: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> list[Any]:
        bodies = [(data, headers.get("content-type")) for data, headers in batch]
        return await self.sender.send_batch(command, bodies)

    async def request(  # type: ignore[override]
        self, command: RabbitPublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Incoming:
        return await self.requests.ask(command, data, headers.get("content-type"), timeout)
