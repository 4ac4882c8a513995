"""What a Kafka subscriber reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from anystream.core.ack import AckPolicy
from anystream.core.sentinel import EMPTY
from anystream.core.subscriber import Subscriber
from anystream.kafka_common.topics import Topic, TopicPattern


class Place(NamedTuple):
    """One partition, and where in it to begin (None: where the group or `auto_offset_reset` says).

    A tuple of topic and partition comes first, so `place[:2]` is a key everywhere.
    """

    topic: str
    partition: int
    offset: int | None = None


@dataclass(frozen=True, eq=False)
class KafkaSource:
    """Topics, a pattern or partitions: one of the three; and how they are read.

    Args:
        topics: as declared, without the routers' prefixes.
        pattern: a regular expression with `{name}` parts.
        partitions: explicit partitions, without the routers' prefixes.
        group_id: the consumer group; None for reading everything without commits.
        batch: handlers take lists.
        max_records: how many at most in such a list.
        batch_timeout_ms: how long one is collected.
        client: options that go to the client's consumer as they are.
        native: what else the client's package keeps (listeners, callbacks).
        make_partition: makes the client's `TopicPartition`.
    """

    topics: Sequence[Topic] = ()
    pattern: str | None = None
    partitions: Sequence[Place] = ()
    group_id: str | None = None
    batch: bool = False
    max_records: int | None = None
    batch_timeout_ms: float = 200
    client: Mapping[str, Any] = field(default_factory=dict)
    native: Mapping[str, Any] = field(default_factory=dict)
    make_partition: Callable[[Place], Any] = tuple

    @property
    def queue(self) -> str:
        """The group, of which one member gets each message; empty if there is none, or if the
        partitions were chosen by hand."""
        return "" if self.partitions else self.group_id or ""

    def __str__(self) -> str:
        names = [topic.name for topic in self.topics]
        names += [f"{place.topic}-{place.partition}" for place in self.partitions]
        return ",".join(names) or self.pattern or ""


def wire_topics(subscriber: Subscriber) -> list[Topic]:
    """The topics that a subscriber reads, prefixes included, each once; none for a pattern."""
    source, prefix = subscriber.source, subscriber.merged.prefix
    names = [Topic(place.topic) for place in source.partitions] or source.topics
    found = {topic.name: topic if not prefix else _with_prefix(topic, prefix) for topic in names}
    return list(found.values())


def _with_prefix(topic: Topic, prefix: str) -> Topic:
    return Topic(prefix + topic.name, topic.num_partitions, topic.replication_factor, topic.config)


def wire_partitions(subscriber: Subscriber) -> list[Place]:
    """The explicit partitions of a subscriber, prefixes included."""
    prefix = subscriber.merged.prefix
    return [place._replace(topic=prefix + place.topic) for place in subscriber.source.partitions]


def wire_pattern(subscriber: Subscriber) -> TopicPattern | None:
    """The pattern of a subscriber, prefixes included."""
    pattern = subscriber.source.pattern
    return None if pattern is None else _pattern(pattern, subscriber.merged.prefix)


@lru_cache(maxsize=1024)
def _pattern(text: str, prefix: str) -> TopicPattern:
    return TopicPattern(text, prefix)


def shown_topics(subscriber: Subscriber) -> list[str]:
    """What is read, for people: topics, `topic-partition` or the pattern, prefixes included."""
    source, prefix = subscriber.source, subscriber.merged.prefix
    if source.partitions:
        return [f"{prefix}{place.topic}-{place.partition}" for place in source.partitions]
    if source.pattern is not None:
        return [prefix + source.pattern]
    return [topic.name for topic in wire_topics(subscriber)]


@dataclass(frozen=True)
class CommitPlan:
    """When the offsets of a subscriber's messages are committed.

    `AckPolicy` | who commits | when
    --- | --- | ---
    not given | we | in the background every `auto_commit_interval_ms`, at rebalance and stop: what
        was handled, with success or not
    `ACK_FIRST` | the client's auto-commit | what it has handed out, handled or not
    all others | we | at once, before the next message of the partition

    Args:
        by_client: the client commits by itself, if there is a group.
        at_once: each acknowledgement is a commit.
        strict: a message that is not settled holds back all later ones of its partition, however
            long that takes (`MANUAL`, where a message may be settled after its handler).
    """

    by_client: bool
    at_once: bool
    strict: bool

    @classmethod
    def of(cls, subscriber: Subscriber) -> CommitPlan:
        """The plan that follows from a subscriber's policy and those of the layers around it."""
        given = [
            policy
            for policy in (subscriber.ack_policy, subscriber.merged.ack_policy)
            if policy is not EMPTY
        ]
        policy = AckPolicy(given[0]) if given else None
        first = policy is AckPolicy.ACK_FIRST
        return cls(
            by_client=first,
            at_once=policy is not None and not first,
            strict=policy is AckPolicy.MANUAL,
        )
