"""What a NATS subscriber reads, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nats.js.api import ConsumerConfig, DeliverPolicy

from anystream.core.address import nats_template
from anystream.core.subscriber import Subscriber
from anystream.nats.schemas import JStream, KvWatch, ObjWatch, PullSub


@dataclass(frozen=True)
class NatsSource:
    """What is read besides the subject.

    Args:
        queue: the group; of a group one member gets each message.
        stream: the stream; None for core subjects.
        pull: how to ask the stream for messages; None for being sent them.
        durable: the name under which the server keeps the position.
        config: the consumer's configuration; the arguments fill what it leaves open.
        kv_watch, obj_watch: the bucket that is watched instead of reading a subject, and how.
        others: the remaining options, see `SubscriberOptions`.
    """

    queue: str = ""
    stream: JStream | None = None
    pull: PullSub | None = None
    durable: str | None = None
    config: ConsumerConfig | None = None
    ordered_consumer: bool = False
    idle_heartbeat: float | None = None
    flow_control: bool | None = None
    deliver_policy: DeliverPolicy | None = None
    headers_only: bool | None = None
    pending_msgs_limit: int | None = None
    pending_bytes_limit: int | None = None
    max_msgs: int = 0
    inbox_prefix: str = ""
    kv_watch: KvWatch | None = None
    obj_watch: ObjWatch | None = None

    @property
    def kind(self) -> str:
        """`core`, `push`, `ordered`, `pull`, `batch`, `keys` or `objects`."""
        if self.kv_watch is not None:
            return "keys"
        if self.obj_watch is not None:
            return "objects"
        if self.stream is None:
            return "core"
        if self.pull is None:
            return "ordered" if self.ordered_consumer else "push"
        return "batch" if self.pull.batch else "pull"

    @property
    def watches(self) -> bool:
        """Whether it is a bucket that is read."""
        return self.kv_watch is not None or self.obj_watch is not None

    @property
    def stream_name(self) -> str:
        """The stream's name, empty for core subjects; of a key-value bucket its stream's."""
        if self.kv_watch is not None:
            return f"KV_{self.kv_watch.bucket}"
        return self.stream.name if self.stream else ""

    @property
    def filter_subjects(self) -> Sequence[str]:
        """The subjects that the consumer's configuration names instead of the subscriber."""
        if self.config is None:
            return ()
        one = self.config.filter_subject
        return self.config.filter_subjects or ([one] if one else [])

    @property
    def durable_name(self) -> str | None:
        """Under which name the server keeps the position; None for not at all.

        The consumer of a queue group is called like the group.
        """
        named = self.config.durable_name if self.config else None
        return named or self.durable or (self.group if self.kind == "push" else None) or None

    @property
    def group(self) -> str:
        """The queue group of a stream that sends by itself, empty for none."""
        return (self.config.deliver_group if self.config else None) or self.queue

    def pending_limits(self) -> dict[str, Any]:
        """The limits of what waits in the client, as far as they are given."""
        limits = {
            "pending_msgs_limit": self.pending_msgs_limit,
            "pending_bytes_limit": self.pending_bytes_limit,
        }
        return {name: value for name, value in limits.items() if value is not None}

    def __str__(self) -> str:
        return ", ".join(self.filter_subjects) or self.stream_name


def wire_subject(subscriber: Subscriber) -> str:
    """The subject as the server sees it; empty if the configuration has the subjects."""
    return nats_template(subscriber.full_address).wire if subscriber.address else ""


def wire_subjects(subscriber: Subscriber) -> list[str]:
    """All subjects that a subscriber reads."""
    source: NatsSource = subscriber.source
    if subscriber.address:
        return [wire_subject(subscriber)]
    return [subscriber.merged.prefix + subject for subject in source.filter_subjects]
