"""Subjects in test mode: delivery at once, in the task that publishes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from anystream.core.address import nats_template
from anystream.core.bus import Bus
from anystream.core.exceptions import FeatureNotSupportedException, SubscriberNotFound
from anystream.core.ids import gen_cor_id
from anystream.core.subjects import check_subject
from anystream.core.testing import TestBroker
from anystream.core.transport import Deliver, Feed, Parse, Reader, Transport
from anystream.memory.broker import MemoryBroker
from anystream.memory.message import Letter

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.core.response import PublishCommand
    from anystream.core.subscriber import Subscriber

MakeRaw = Callable[["PublishCommand", bytes, "dict[str, Any]"], Any]


def make_letter(command: PublishCommand, data: bytes, headers: dict[str, Any]) -> Letter:
    """The embedded broker's native message."""
    return Letter(command.destination, data, headers, command.reply_to)


class DirectFeed(Feed):
    """A subscriber in test mode.

    Args:
        bus: the subscriptions.
        subscriber: whose feed it is.
        deliver: handles a message and raises what the handler raises.
        patterns: the subjects it takes.
    """

    def __init__(
        self, bus: Bus, subscriber: Subscriber, deliver: Deliver, patterns: Sequence[str]
    ) -> None:
        self.bus = bus
        self.subscriber = subscriber
        self.deliver = deliver
        self.patterns = patterns
        self.queue: str = subscriber.source.queue

    async def open(self) -> None:
        self.bus.join(self)

    async def pause(self) -> None:
        self.bus.leave(self)

    async def close(self) -> None:
        self.bus.leave(self)


class Inbox:
    """Takes the answers to one request."""

    queue = ""

    def __init__(self, subject: str) -> None:
        self.patterns = [subject]
        self.answers: list[Any] = []

    async def deliver(self, raw: Any) -> None:
        self.answers.append(raw)


class SubjectTestTransport(Transport):
    """Delivers by subject.

    Args:
        real: the transport it stands for; parses messages.
        bus: the subscriptions of all brokers in this test.
        make_raw: makes a native message.
    """

    def __init__(self, real: Transport, bus: Bus, make_raw: MakeRaw = make_letter) -> None:
        self.real = real
        self.bus = bus
        self.make_raw = make_raw

    @property
    def native(self) -> Any:
        return self.bus

    async def connect(self) -> Any:
        return self.bus

    async def close(self) -> None:
        pass

    async def ping(self, timeout: float | None) -> bool:
        return True

    def parser(self, subscriber: Subscriber | None) -> Parse:
        return self.real.parser(subscriber)

    def patterns(self, subscriber: Subscriber) -> Sequence[str]:
        """The subjects that a subscriber takes."""
        return [nats_template(subscriber.full_address).wire]

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> DirectFeed:
        return DirectFeed(self.bus, subscriber, deliver, self.patterns(subscriber))

    def reader(self, subscriber: Subscriber) -> Reader:
        raise FeatureNotSupportedException("get_one and iteration need a real broker")

    def takes(self, member: Any, command: Any) -> bool:
        """Whether a member of the bus takes a command that its subject fits."""
        return True

    def members(self, command: Any) -> Sequence[Any]:
        """The members of the bus that a command reaches."""
        return [item for item in self.bus.route(command.destination) if self.takes(item, command)]

    def nobody(self, command: Any) -> None:
        """Called when a command that is published reaches nobody; may raise."""
        if not self.bus.route(command.destination):
            check_subject(command.destination, wildcards=False, owner="publish")

    async def send(self, command: PublishCommand, data: bytes, headers: dict[str, Any]) -> Any:
        found = self.members(command)
        if not found:
            self.nobody(command)
        for member in found:
            await self.hand_over(member, command, data, headers)
        return None

    async def hand_over(
        self, member: Any, command: Any, data: bytes, headers: dict[str, Any]
    ) -> None:
        """Delivers one message to one member; a batch has one message."""
        raw = self.make_raw(command, data, headers)
        batch = getattr(getattr(member, "subscriber", None), "batch", False)
        await member.deliver([raw] if batch else raw)

    async def send_batch(
        self, command: PublishCommand, batch: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> Any:
        return [await self.send(command, data, headers) for data, headers in batch]

    async def request(
        self, command: PublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Any:
        found = self.members(command)
        if not found:
            raise SubscriberNotFound(f"nobody answers on {command.destination!r}")
        inbox = Inbox(f"_INBOX.{gen_cor_id()}")
        command.reply_to = inbox.patterns[0]
        self.bus.join(inbox)
        try:
            await asyncio.wait_for(self.hand_over(found[0], command, data, headers), timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(
                f"no answer on {command.destination!r} within {timeout} seconds"
            ) from None
        finally:
            self.bus.leave(inbox)
        if inbox.answers:
            return inbox.answers[0]
        return self.make_raw(command, b"", {"correlation_id": command.correlation_id})


class TestMemoryBroker(TestBroker):
    """Test mode for the embedded broker, see `TestBroker`."""

    __test__ = False

    broker_class = MemoryBroker

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        bus = Bus()
        return [SubjectTestTransport(broker.transport, bus) for broker in brokers]
