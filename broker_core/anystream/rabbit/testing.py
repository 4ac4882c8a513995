"""Test mode for RabbitMQ: no server, delivery in the caller's task."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest import mock

from aio_pika import RobustChannel, RobustConnection, RobustExchange, RobustQueue

from anystream.core.exceptions import SubscriberNotFound
from anystream.core.response import PublishType
from anystream.core.testing import TestBroker
from anystream.core.transport import Deliver, Transport
from anystream.memory.testing import DirectFeed, SubjectTestTransport
from anystream.rabbit.broker import RabbitBroker
from anystream.rabbit.bus import AmqpBus, path_to
from anystream.rabbit.exchange import RabbitExchange
from anystream.rabbit.incoming import Incoming
from anystream.rabbit.properties import make_properties, ready_properties
from anystream.rabbit.queue import RabbitQueue
from anystream.rabbit.sender import RabbitSender, target
from anystream.rabbit.source import full_queue
from anystream.rabbit.transport import RabbitTransport

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.core.subscriber import Subscriber

__test__ = False

_tags = count(1)


class SilentChannel:
    """Takes the acknowledgements of messages that no server has sent."""

    is_closed = False

    async def basic_ack(self, *_: Any, **__: Any) -> None:
        """Nobody hears it."""

    basic_nack = basic_reject = basic_ack


class SilentHolder:
    """Stands for the consumer of such messages."""

    held: frozenset[int] = frozenset()

    async def settle(self, *_: Any) -> None:
        """Nobody hears it."""

    def settled(self, *_: Any) -> None:
        """Nothing is counted."""


_CHANNEL: Any = SilentChannel()
_HOLDER = SilentHolder()


class Unsent:
    """What a channel delivers, less the frames that it comes in.

    Args:
        body: the encoded body.
        properties: AMQP's basic properties.
        exchange: where it was published.
        routing_key: with which key.
    """

    __slots__ = ("body", "delivery_tag", "exchange", "properties", "routing_key")

    channel = _CHANNEL
    consumer_tag = "test"
    redelivered = False
    message_count = None

    def __init__(self, body: bytes, properties: Any, exchange: str, routing_key: str) -> None:
        self.body = body
        self.properties = properties
        self.exchange = exchange
        self.routing_key = routing_key
        self.delivery_tag = next(_tags)

    @property
    def header(self) -> Unsent:
        """Has the properties."""
        return self

    @property
    def delivery(self) -> Unsent:
        """Has the tag and the routing key."""
        return self


class QueueFeed(DirectFeed):
    """A subscriber in test mode, with the bindings of its queue."""

    def __init__(self, bus: AmqpBus, subscriber: Subscriber, deliver: Deliver) -> None:
        queue, source = full_queue(subscriber), subscriber.source
        super().__init__(bus, subscriber, deliver, [queue.name])  # type: ignore[arg-type]
        self.queue = queue.name
        self.hops = path_to(source.exchange, queue.routing() or queue.name, queue.bind_arguments)


class RabbitTestTransport(SubjectTestTransport):
    """Delivers by exchange, routing key and headers."""

    real: RabbitTransport

    def __init__(self, real: RabbitTransport, bus: AmqpBus) -> None:
        super().__init__(real, bus, self.message)  # type: ignore[arg-type]
        self.exchanges = bus
        self.channel: Any = mock.MagicMock(spec=RobustChannel)
        self.sender: Any = mock.MagicMock(spec=RabbitSender)
        self.connection: Any = mock.MagicMock(spec=RobustConnection)
        self._declared: dict[RabbitQueue | RabbitExchange, Any] = {}

    @property
    def native(self) -> Any:
        return self.connection

    async def declare_queue(self, queue: RabbitQueue) -> Any:
        """A mock of the client's queue, the same for equal ones."""
        return self._mock(queue, RobustQueue)

    async def declare_exchange(self, exchange: RabbitExchange) -> Any:
        """A mock of the client's exchange, the same for equal ones."""
        return self._mock(exchange, RobustExchange)

    def _mock(self, declared: RabbitQueue | RabbitExchange, kind: type[Any]) -> Any:
        if declared not in self._declared:
            made = mock.MagicMock(spec=kind)
            made.name = declared.name
            self._declared[declared] = made
        return self._declared[declared]

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> DirectFeed:
        return QueueFeed(self.exchanges, subscriber, deliver)

    def message(self, command: Any, data: bytes, headers: dict[str, Any]) -> Incoming:
        """The client's message for a command, as the server would have sent it."""
        exchange, key = target(command)
        ready = command.ready
        if ready is not None and ready.body is command.body:
            properties = ready_properties(ready)
        else:
            app_id = self.real.sender.app_id
            properties = make_properties(command, headers.get("content-type"), app_id)
        if not properties.message_id:
            properties.message_id = command.correlation_id
        delivered: Any = Unsent(data, properties, exchange.name if exchange else "", key)
        return Incoming(delivered, _HOLDER)

    def members(self, command: Any) -> Sequence[Any]:
        exchange, key = target(command)
        return self.exchanges.route(exchange.name if exchange else "", key, command.headers)

    def nobody(self, command: Any) -> None:
        if command.publish_type is PublishType.REPLY:
            return
        if any(publisher.takes(command) for publisher in self.real.declarations.publishers):
            return  # a declared destination whose consumers are not part of this test
        exchange, key = target(command)
        raise SubscriberNotFound(
            f"nobody reads what is published to {key!r} at the exchange "
            f"{exchange.name if exchange else ''!r}: the server would return the message. Declare "
            "a subscriber, or (for what others read) a publisher"
        )


class TestRabbitBroker(TestBroker):
    """Test mode for RabbitMQ, see `TestBroker`.

    Exchanges of all types, bindings between them, and queues work as at the server: of several
    subscribers that read one queue, one gets each message. Priorities, delays, TTL and dead
    letters do not. A batch has one message.
    """

    __test__ = False

    broker_class = RabbitBroker

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        bus = AmqpBus()
        return [RabbitTestTransport(_real(broker), bus) for broker in brokers]


def _real(broker: Broker) -> Any:
    return broker.transport
