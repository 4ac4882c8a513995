"""Test mode for Redis: no server, delivery in the caller's task."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

from anystream.core.bus import Bus
from anystream.core.exceptions import FeatureNotSupportedException
from anystream.core.testing import TestBroker
from anystream.core.transport import Deliver, Transport
from anystream.memory.testing import DirectFeed, SubjectTestTransport
from anystream.redis.broker import RedisBroker, RedisClusterBroker, RedisSentinelBroker
from anystream.redis.bus import RedisBus
from anystream.redis.channel_feed import message_of
from anystream.redis.message import BODY
from anystream.redis.source import wire_channel
from anystream.redis.stream_feed import raws
from anystream.redis.transport import RedisTransport

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.core.subscriber import Subscriber

__test__ = False

__all__ = ("PEL", "TestRedisBroker")

_ids = count(1)


class PEL:
    """The pending lists of all groups in a test: delivered and not acknowledged.

    `put` and `remove` are mocks that are called with (stream, group, id).
    """

    def __init__(self) -> None:
        self.entries: set[tuple[str, str, bytes]] = set()
        self.put = MagicMock(side_effect=lambda *entry: self.entries.add(entry))
        self.remove = MagicMock(side_effect=lambda *entry: self.entries.discard(entry))

    def holds(self, stream: str, group: str, entry: bytes) -> bool:
        """Whether a message is still pending."""
        return (stream, group, entry) in self.entries


class PendingDesk:
    """Where the messages of a group are acknowledged in test mode."""

    def __init__(self, pel: PEL, stream: str, group: str) -> None:
        self.pel = pel
        self.stream = stream
        self.group = group

    async def ack(self, ids: Sequence[bytes]) -> None:
        """They are not pending any more."""
        for entry in ids:
            self.pel.remove(self.stream, self.group, entry)

    async def delete(self, ids: Sequence[bytes]) -> None:
        """There is no stream to delete them from."""

    async def delivery_count(self, entry: bytes) -> int:
        """Nothing is delivered twice."""
        return 1


class SilentPipeline:
    """Takes commands, and sends them nowhere."""

    async def __aenter__(self) -> SilentPipeline:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Nothing was queued: in test mode messages are delivered at once."""
        return []

    async def reset(self) -> None:
        """Forgets nothing."""

    aclose = reset


class SilentRedis:
    """Stands for the client in test mode: pipelines and acknowledgements, nothing else."""

    def __init__(self, pel: PEL) -> None:
        self.pel = pel

    def pipeline(self, **_: Any) -> SilentPipeline:
        """A pipeline that sends nothing."""
        return SilentPipeline()

    async def xack(self, stream: str, group: str, *ids: bytes) -> int:
        """They are not pending any more."""
        for entry in ids:
            self.pel.remove(stream, group, entry)
        return len(ids)

    async def xdel(self, stream: str, *ids: bytes) -> int:
        """There is no stream to delete them from."""
        return len(ids)

    def __getattr__(self, name: str) -> Any:
        raise FeatureNotSupportedException(f"there is no Redis in test mode, so no `{name}`")


class RedisTestFeed(DirectFeed):
    """A subscriber in test mode."""

    def __init__(self, bus: Bus, subscriber: Subscriber, deliver: Deliver) -> None:
        what, name = subscriber.source.what, subscriber.full_address
        self.kind: str = what.kind
        self.is_pattern = False
        if self.kind == "channel":
            name, self.is_pattern = wire_channel(name, what)
        super().__init__(bus, subscriber, deliver, [name])
        self.claims = self.kind == "stream" and what.min_idle_time is not None


class RedisTestTransport(SubjectTestTransport):
    """Delivers by kind and name, and by pattern.

    Args:
        real: the transport it stands for; encodes and parses messages.
        bus: the subscriptions of all brokers in this test.
        pel: the pending lists.
    """

    real: RedisTransport

    def __init__(self, real: RedisTransport, bus: RedisBus, pel: PEL) -> None:
        super().__init__(real, bus, _answer)
        self.places = bus
        self.pel = pel

    @property
    def native(self) -> Any:
        return SilentRedis(self.pel)

    async def connect(self) -> Any:
        return self.native

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> DirectFeed:
        return RedisTestFeed(self.bus, subscriber, deliver)

    def members(self, command: Any) -> Sequence[Any]:
        return self.places.members(command.kind or "channel", command.destination)

    def nobody(self, command: Any) -> None:
        pass

    async def send(self, command: Any, data: bytes, headers: dict[str, Any]) -> int:
        if command.kind == "stream":
            await self._send_stream(command, data, headers)
        else:
            await super().send(command, data, headers)
        return 0

    async def _send_stream(self, command: Any, data: bytes, headers: dict[str, Any]) -> None:
        """Each group gets the message once; who claims gets what is still pending then."""
        entry = b"%d-0" % next(_ids)
        stream, found = command.destination, self.members(command)
        groups = {member.queue for member in found if member.queue}
        for group in groups:
            self.pel.put(stream, group, entry)
        for member in sorted(found, key=lambda item: item.claims):
            if not member.claims or self.pel.holds(stream, member.queue, entry):
                await self._deliver(member, command, data, headers, entry)

    async def hand_over(
        self, member: Any, command: Any, data: bytes, headers: dict[str, Any]
    ) -> None:
        await self._deliver(member, command, data, headers, b"%d-0" % next(_ids))

    async def _deliver(
        self, member: Any, command: Any, data: bytes, headers: dict[str, Any], entry: bytes
    ) -> None:
        payload = await self.real.payload(command, data, headers)
        await member.deliver(self._raw(member, command, payload, entry))

    def _raw(self, member: Any, command: Any, payload: bytes, entry: bytes) -> Any:
        name = command.destination
        kind = getattr(member, "kind", "channel")
        if kind == "channel":
            is_pattern = getattr(member, "is_pattern", False)
            pattern = member.patterns[0].encode() if is_pattern else None
            return message_of(name.encode(), payload, pattern)
        what = member.subscriber.source.what
        if kind == "list":
            if what.batch:
                return {"type": "blist", "channel": name, "data": [payload]}
            return {"type": "list", "channel": name, "data": payload}
        desk = None
        if what.group:
            desk = PendingDesk(self.pel, name, what.group)
            if what.no_ack:
                self.pel.remove(name, what.group, entry)
        return raws(name, [(entry, [BODY, payload])], what.batch, desk)[0]

    async def send_batch(self, command: Any, batch: Sequence[tuple[bytes, dict[str, Any]]]) -> int:
        payloads = await self.real.payloads(command, batch)
        name = command.destination
        for member in self.members(command):
            if member.subscriber.batch:
                most = member.subscriber.source.what.max_records
                for start in range(0, len(payloads), most):
                    data = payloads[start : start + most]
                    await member.deliver({"type": "blist", "channel": name, "data": data})
                continue
            for payload in payloads:
                await member.deliver({"type": "list", "channel": name, "data": payload})
        return 0


def _answer(command: Any, data: bytes, headers: dict[str, Any]) -> Any:
    """What a request gets when nobody has answered."""
    from anystream.redis.parser import pack

    return message_of(command.reply_to.encode(), pack(data, headers))


class TestRedisBroker(TestBroker):
    """Test mode for Redis, see `TestBroker`.

    Channels with their patterns, lists, streams and groups work as at the server: of a group one
    consumer gets each message. All subscribers of a list get it. A publish returns 0.

    Args:
        *brokers: the brokers.
        pel: the pending lists of the groups, to look at.
        **options: see `TestBroker`.
    """

    __test__ = False

    broker_class = (RedisBroker, RedisSentinelBroker, RedisClusterBroker)  # type: ignore[assignment]

    def __init__(self, *brokers: Any, pel: PEL | None = None, **options: Any) -> None:
        super().__init__(*brokers, **options)
        self.pel = PEL() if pel is None else pel

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        bus = RedisBus()
        return [RedisTestTransport(_real(broker), bus, self.pel) for broker in brokers]


def _real(broker: Any) -> RedisTransport:
    transport: RedisTransport = broker.transport
    return transport
