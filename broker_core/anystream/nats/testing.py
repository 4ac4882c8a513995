"""Test mode for NATS: no server, delivery in the caller's task."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

from nats.aio.msg import Msg
from nats.js.kv import KV_OP

from anystream.core.bus import Bus
from anystream.core.response import PublishType
from anystream.core.testing import TestBroker
from anystream.core.transport import Deliver, Transport
from anystream.memory.testing import DirectFeed, SubjectTestTransport
from anystream.nats.broker import NatsBroker
from anystream.nats.bucket_changes import KeyChange, ObjectChange
from anystream.nats.source import wire_subjects
from anystream.nats.stand_ins import mock_client, mock_object_storage
from anystream.nats.watch_feed import watched_bucket

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.core.subscriber import Subscriber

__test__ = False


class SilentClient:
    """Takes the acknowledgements of messages that no server has sent."""

    async def publish(self, *_: Any, **__: Any) -> None:
        """Nobody hears it."""

    async def request(self, *_: Any, **__: Any) -> None:
        """Nobody answers, and nobody minds."""


class UnsentMsg(Msg):
    """The client's message without a server: it can be acknowledged though nobody asks for it."""

    def _check_reply(self) -> None:
        pass

    async def in_progress(self) -> None:
        pass


_CLIENT: Any = SilentClient()


def make_message(command: Any, data: bytes, headers: dict[str, Any]) -> Msg:
    """The client's message for a command, as the server would have sent it."""
    if command.stream is None:
        return UnsentMsg(_CLIENT, command.destination, command.reply_to, data, headers)
    if command.reply_to:
        headers = {**headers, "reply_to": command.reply_to}
    return UnsentMsg(_CLIENT, command.destination, "", data, headers)


class NatsTestTransport(SubjectTestTransport):
    """Delivers by subject, and by stream if the command names one."""

    @cached_property
    def _client(self) -> Any:
        return mock_client()

    @property
    def native(self) -> Any:
        return self._client

    @property
    def jetstream(self) -> Any:
        """A mock of the JetStream context."""
        return self.native.jetstream()

    async def connect(self) -> Any:
        return self.native

    def patterns(self, subscriber: Subscriber) -> Sequence[str]:
        patterns = wire_subjects(subscriber)
        if subscriber.source.kind == "keys":  # by the key, or as it is stored
            patterns += [f"$KV.{watched_bucket(subscriber)}.{pattern}" for pattern in patterns]
        return patterns

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> DirectFeed:
        if subscriber.source.watches:
            deliver = as_change(subscriber, deliver)
        return super().feed(subscriber, deliver)

    async def send(self, command: Any, data: bytes, headers: dict[str, Any]) -> Any:
        if command.publish_type is PublishType.REPLY:
            command.stream = None  # answers go to core subjects
        await super().send(command, data, headers)
        if command.schedule is not None:  # in a test no time passes
            command.destination, command.schedule = command.schedule.target, None
            await super().send(command, data, headers)

    async def hand_over(
        self, member: Any, command: Any, data: bytes, headers: dict[str, Any]
    ) -> None:
        asks = command.publish_type is PublishType.REQUEST and isinstance(member, DirectFeed)
        if asks and member.subscriber.source.stream is not None:
            # of a stream, the native address for answers takes acknowledgements
            headers = {**headers, "reply_to": command.reply_to}
        await super().hand_over(member, command, data, headers)

    def takes(self, member: Any, command: Any) -> bool:
        if command.stream is None or not isinstance(member, DirectFeed):
            return True
        return bool(member.subscriber.source.stream_name == command.stream)


def as_change(subscriber: Subscriber, deliver: Deliver) -> Deliver:
    """Lets a watcher see a published message as a change of its bucket."""
    bucket, revisions = watched_bucket(subscriber), count(1)
    stored = f"$KV.{bucket}."

    async def changed(raw: Msg) -> None:
        if subscriber.source.kind == "objects":
            name, storage = raw.data.decode(), mock_object_storage()
            await deliver(ObjectChange(name=name, bucket=bucket, nuid="", storage=storage))
            return
        headers = raw.headers or {}
        change = KeyChange(
            bucket=bucket,
            key=raw.subject.removeprefix(stored),
            value=raw.data,
            revision=next(revisions),
            delta=0,
            created=None,
            operation=headers.get(KV_OP),
            headers=headers,
        )
        if not (change.deleted and subscriber.source.kv_watch.ignore_deletes):
            await deliver(change)

    return changed


class TestNatsBroker(TestBroker):
    """Test mode for NATS, see `TestBroker`.

    Subjects with their wildcards, queue groups and streams work as at the server; a publish with
    `stream=` reaches that stream's subscribers only; a batch has one message; what is scheduled
    comes at once, on its subject and on the target.

    There are no buckets, but a publish to a key (or to `$KV.bucket.key`) is a change for those
    who watch it, and a publish of a name to a bucket is one for those who watch its objects.
    """

    __test__ = False

    broker_class = NatsBroker

    def make_transports(self, brokers: Sequence[Broker]) -> Sequence[Transport]:
        bus = Bus()
        return [NatsTestTransport(broker.transport, bus, make_message) for broker in brokers]
