"""Topics in test mode: delivery at once, in the task that publishes; one member of each group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from anystream.core.bus import Bus
from anystream.core.transport import Deliver, Parse, Transport
from anystream.kafka_common.message import KafkaMessageCore
from anystream.kafka_common.positions import Positions
from anystream.kafka_common.source import wire_partitions, wire_pattern, wire_topics
from anystream.kafka_common.topics import check_topic
from anystream.memory.testing import DirectFeed, SubjectTestTransport

if TYPE_CHECKING:
    from anystream.core.response import PublishCommand
    from anystream.core.subscriber import Subscriber

# (command, place in its batch or None if it goes alone, data, headers, offset) -> client's record
MakeRecord = Callable[[Any, "int | None", bytes, "dict[str, Any]", int], Any]
MakeConsumer = Callable[[Positions], Any]


class TopicBus(Bus):
    """Subscriptions by topic, pattern and partition."""

    def __init__(self) -> None:
        super().__init__()
        self._watching: list[TopicFeed] = []
        self.ends: dict[tuple[str, int], int] = {}  # the next offset of each partition

    def join(self, member: Any) -> None:
        super().join(member)
        if getattr(member, "pattern", None) is not None:
            self._watching.append(member)

    def leave(self, member: Any) -> None:
        super().leave(member)
        if member in self._watching:
            self._watching.remove(member)

    def route(self, subject: str) -> Sequence[Any]:
        return self.members(subject, None)

    def members(self, topic: str, partition: int | None) -> Sequence[Any]:
        """Who gets the next record of a topic.

        Args:
            partition: where it was published to; None when nobody chose.
        """
        found = list(self._index.find(topic))
        found += [item for item in self._watching if item.watches(topic)]
        return self.one_of_each([item for item in found if _reads(item, topic, partition)])

    def one_of_each(self, found: list[Any]) -> Sequence[Any]:
        """Of the members of a group one, in turn; all that have no group."""
        groups: dict[str, list[Any]] = {}
        for member in found:
            if member.queue:
                groups.setdefault(member.queue, []).append(member)
        if not groups:
            return found
        turn = next(self._turn)
        chosen = {id(members[turn % len(members)]) for members in groups.values()}
        return [member for member in found if not member.queue or id(member) in chosen]

    def next_offset(self, topic: str, partition: int) -> int:
        """Offsets count from 0, as at the server."""
        offset = self.ends.get((topic, partition), 0)
        self.ends[topic, partition] = offset + 1
        return offset


def _reads(member: Any, topic: str, partition: int | None) -> bool:
    chosen = getattr(member, "partitions", ())
    return not chosen or partition is None or (topic, partition) in chosen


class TopicFeed(DirectFeed):
    """A Kafka subscriber in test mode."""

    def __init__(self, bus: Bus, subscriber: Subscriber, deliver: Deliver) -> None:
        super().__init__(bus, subscriber, deliver, [t.name for t in wire_topics(subscriber)])
        self.pattern = wire_pattern(subscriber)
        self.partitions = {place[:2] for place in wire_partitions(subscriber)}

    def watches(self, topic: str) -> bool:
        """Whether its pattern, if it has one, takes a topic."""
        return self.pattern is not None and self.pattern.matches(topic)


class KafkaTestTransport(SubjectTestTransport):
    """Delivers by topic.

    Args:
        real: the transport it stands for; parses messages.
        bus: the subscriptions of all brokers in this test.
        make_record: makes the client's record.
        make_consumer: makes what stands for the client's consumer of a subscriber.
        place_of: topic, partition and offset of one of the client's records.
    """

    def __init__(
        self,
        real: Transport,
        bus: TopicBus,
        make_record: MakeRecord,
        make_consumer: MakeConsumer,
        place_of: Callable[[Any], tuple[str, int, int]],
    ) -> None:
        super().__init__(real, bus, self._only_record)
        self.topics = bus
        self.make_record = make_record
        self.make_consumer = make_consumer
        self.place_of = place_of
        self._consumers: WeakKeyDictionary[Subscriber, tuple[Positions, Any]] = WeakKeyDictionary()

    def parser(self, subscriber: Subscriber | None) -> Parse:
        parse = self.real.parser(subscriber)
        if subscriber is None:
            return parse
        if subscriber not in self._consumers:
            positions = Positions(self.topics.ends, [each.name for each in wire_topics(subscriber)])
            self._consumers[subscriber] = (positions, self.make_consumer(positions))
        positions, consumer = self._consumers[subscriber]
        place_of = self.place_of

        def parse_here(raw: Any) -> Any:
            message: Any = parse(raw)
            for record in raw if isinstance(raw, (list, tuple)) else (raw,):
                positions.read(*place_of(record))
            if isinstance(message, KafkaMessageCore):
                message.stand_in = consumer
            return message

        return parse_here

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> DirectFeed:
        return TopicFeed(self.bus, subscriber, deliver)

    async def flush(self) -> None:
        """Nothing waits anywhere."""

    def takes(self, member: Any, command: Any) -> bool:
        return _reads(member, command.destination, command.partition)

    def _only_record(self, command: Any, data: bytes, headers: dict[str, Any]) -> Any:
        return self._record(command, None, data, headers)

    def _record(self, command: Any, place: int | None, data: bytes, headers: dict[str, Any]) -> Any:
        offset = self.topics.next_offset(command.destination, command.partition or 0)
        return self.make_record(command, place, data, headers, offset)

    def _members(self, command: Any) -> Sequence[Any]:
        found = self.topics.members(command.destination, command.partition)
        if not found:
            check_topic(command.destination, "publish")
        return found

    async def send(self, command: PublishCommand, data: bytes, headers: dict[str, Any]) -> Any:
        found = self._members(command)
        if found:
            raw = self._record(command, None, data, headers)
            for member in found:
                await member.deliver([raw] if _batch(member) else raw)

    async def send_batch(
        self, command: PublishCommand, batch: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> Any:
        own: Any = command
        records = [
            self._record(command, place, data, {**headers, **own.headers_for(place)})
            for place, (data, headers) in enumerate(batch)
        ]
        if not records:
            return
        for member in self._members(command):
            if _batch(member):
                await member.deliver(list(records))
            else:
                for raw in records:
                    await member.deliver(raw)


def _batch(member: Any) -> bool:
    return bool(getattr(getattr(member, "subscriber", None), "batch", False))
