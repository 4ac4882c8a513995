"""Options that both Kafka clients know, each written once, and the checks that belong to them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from typing_extensions import TypedDict

from anystream.core import declaring as core
from anystream.core.ack import AckPolicy
from anystream.core.broker import BrokerOptions
from anystream.core.exceptions import OptionError, SetupError
from anystream.core.options import check_options, chosen_options
from anystream.core.router import Router
from anystream.core.sentinel import EMPTY
from anystream.kafka_common.source import KafkaSource, Place
from anystream.kafka_common.subscriber import KafkaSubscriber
from anystream.kafka_common.topics import Topic, TopicPattern, check_topic


class AnyClientOptions(TypedDict, total=False):
    """Options of everything that connects; times are milliseconds.

    Keys:
        request_timeout_ms: for one request to the server, 40000 by default.
        retry_backoff_ms: pause between attempts, 100 by default.
        metadata_max_age_ms: how often topics and partitions are looked up, 300000 by default.
        connections_max_idle_ms: idle connections are closed after this time, 540000 by default.
        client_id: how this client is called at the server; `anystream` by default.
    """

    request_timeout_ms: int
    retry_backoff_ms: int
    metadata_max_age_ms: int
    connections_max_idle_ms: int
    client_id: str | None


class ProducerOptions(TypedDict, total=False):
    """Options of the client's producer; times are milliseconds.

    Keys:
        acks: how many copies must be written before a publish counts: 0, 1, -1 or "all".
        compression_type: gzip, snappy, lz4 or zstd; none by default.
        partitioner: chooses partitions.
        max_request_size: bytes of one request at most, 1048576 by default.
        linger_ms: how long the client collects records before it sends them, 0 by default.
        enable_idempotence: a record that is sent again after an error is stored once.
        transactional_id: makes `broker.transaction()` possible; unique among running producers.
        transaction_timeout_ms: after which the server ends a transaction, 60000 by default.
    """

    acks: int | str
    compression_type: str | None
    partitioner: Any
    max_request_size: int
    linger_ms: int
    enable_idempotence: bool
    transactional_id: str | None
    transaction_timeout_ms: int


class CommonBrokerOptions(BrokerOptions, AnyClientOptions, ProducerOptions, total=False):
    """Options of both Kafka brokers: those of every broker, those of the clients, and these.

    Keys:
        allow_auto_create_topics: topics that are declared and missing are made at the start, True
            by default; if False, a missing topic is an error.
        reply_topic: the topic for answers to `request`; it is made if it is missing. Every broker
            object that shares it reads all of it and takes its own answers. Without it there is
            no `request`.
    """

    allow_auto_create_topics: bool
    reply_topic: str | Topic | None


class CommonConsumerOptions(TypedDict, total=False):
    """Options of the client's consumer; times are milliseconds.

    Keys:
        group_instance_id: keeps a member's partitions over a restart (static membership).
        fetch_max_bytes, fetch_min_bytes, fetch_max_wait_ms, max_partition_fetch_bytes: of one
            fetch: 52428800, 1, 500 and 1048576 by default.
        auto_offset_reset: where to begin when the group has no offset: latest (default), earliest
            or none.
        auto_commit_interval_ms: how often offsets are committed in the background, 5000 by
            default.
        check_crcs: check the checksums of records, True by default.
        partition_assignment_strategy: how a group divides partitions.
        max_poll_interval_ms: a member that does nothing for so long loses its partitions, 300000
            by default.
        session_timeout_ms, heartbeat_interval_ms: how soon a dead member is noticed: 10000 and
            3000 by default.
        isolation_level: read_uncommitted (default) or read_committed.
    """

    group_instance_id: str | None
    fetch_max_bytes: int
    fetch_min_bytes: int
    fetch_max_wait_ms: int
    max_partition_fetch_bytes: int
    auto_offset_reset: str
    auto_commit_interval_ms: int
    check_crcs: bool
    partition_assignment_strategy: Sequence[Any]
    max_poll_interval_ms: int
    session_timeout_ms: int
    heartbeat_interval_ms: int
    isolation_level: str


class CommonSubscriberOptions(core.SubscriberOptions, CommonConsumerOptions, total=False):
    """Options of both `subscriber`s: those of every broker, those of the consumer, and these.

    `max_workers` messages are handled at once, those of one partition in order, one after the
    other; with `AckPolicy.ACK_FIRST` in parallel and without order.

    Keys:
        group_id: the consumer group, of which one member reads each partition; without one every
            subscriber reads everything and nothing is committed.
        batch: handlers take a list of bodies.
        max_records: how many at most in such a list.
        partitions: explicit partitions instead of topics.
    """

    group_id: str | None
    batch: bool
    max_records: int | None
    partitions: Iterable[Any]


class KafkaPublisherOptions(core.PublisherOptions, total=False):
    """Options of `publisher`: those of every broker, and these.

    Keys:
        key: the key of every message that has none of its own.
        partition: the partition; chosen by the key by default.
        batch: `publish` takes several bodies, and a handler's list is published as a batch.
        autoflush: after every publish, wait until the client's buffer is empty.
    """

    key: Any
    partition: int | None
    batch: bool
    autoflush: bool


CONSUMER_CHOICES = {
    "auto_offset_reset": ("latest", "earliest", "none"),
    "isolation_level": ("read_uncommitted", "read_committed"),
}


def check_choices(
    owner: str, options: Mapping[str, Any], choices: Mapping[str, Sequence[Any]]
) -> None:
    """Refuses values that an option cannot have.

    Raises:
        OptionError: names the possible ones.
    """
    for name, allowed in choices.items():
        if name in options and options[name] not in allowed:
            raise OptionError(
                f"{owner}: {name}={options[name]!r}, but it is one of "
                f"{', '.join(repr(value) for value in allowed)}"
            )


def check_servers(owner: str, servers: str | Iterable[str]) -> list[str]:
    """Addresses as a list of `host:port`.

    Raises:
        OptionError: there is none, or one is no text.
    """
    found = [servers] if isinstance(servers, str) else list(servers)
    parts = [part.strip() for item in found if isinstance(item, str) for part in item.split(",")]
    if not found or not all(isinstance(item, str) for item in found) or not all(parts):
        raise OptionError(
            f"{owner}: bootstrap_servers={servers!r}: give an address such as 'localhost:9092', or "
            "several of them"
        )
    return parts


def check_broker_options(
    owner: str, options: Mapping[str, Any], schema: Any, choices: Mapping[str, Sequence[Any]]
) -> Topic | None:
    """Refuses options of a broker that do not exist, or cannot have their values.

    Args:
        owner: the broker class, for messages.
        options: the options.
        schema: the `TypedDict` of them.
        choices: the values that some of them can have.

    Returns:
        The topic for answers, None without one.

    Raises:
        OptionError: says what is right.
        SetupError: the topic for answers is none.
    """
    check_options(owner, options, schema)
    check_choices(owner, options, choices)
    answers = options.get("reply_topic")
    if answers is None:
        return None
    topic = Topic.of(answers, f"{owner}: reply_topic")
    check_topic(topic.name, f"{owner}: reply_topic")
    return topic


def owner_of(topics: Iterable[Any], options: Mapping[str, Any]) -> str:
    """How a subscriber is called in messages before it exists."""
    pattern = _pattern_of(options)
    read = topics or ([pattern] if pattern else [])
    return f"subscriber({', '.join(repr(getattr(topic, 'name', topic)) for topic in read)})"


def _pattern_of(options: Mapping[str, Any]) -> str | None:
    pattern = options.get("pattern")
    return pattern.pattern if isinstance(pattern, re.Pattern) else pattern


def make_source(
    owner: str,
    topics: Sequence[str | Topic],
    options: Mapping[str, Any],
    *,
    consumer: type[Any],
    make_partition: Callable[[Place], Any],
    native: Sequence[str] = (),
) -> KafkaSource:
    """What a subscriber reads, from its checked options.

    Args:
        owner: the subscriber, for messages.
        topics: names or `Topic`s.
        options: those of the subscriber; `pattern` is optional.
        consumer: the `TypedDict` of the options that go to the client's consumer.
        make_partition: makes the client's `TopicPartition`.
        native: names of options that the client's package wants to keep.

    Raises:
        SetupError: not exactly one of topics, partitions and pattern, or options that exclude
            each other.
    """
    places = [_place(given, owner) for given in options.get("partitions", ())]
    pattern = _pattern_of(options)
    given = [bool(topics), bool(places), pattern is not None]
    if sum(given) != 1:
        what = "more than one of these" if sum(given) else "nothing to read"
        raise SetupError(f"{owner}: {what}: give topics, or partitions=, or pattern= (a regex)")
    if pattern is not None:
        TopicPattern(pattern)
    found = tuple(Topic.of(topic, owner) for topic in topics)
    for name in [topic.name for topic in found] + [place.topic for place in places]:
        check_topic(name, owner)
    check_choices(owner, options, CONSUMER_CHOICES)
    _check_numbers(owner, options)
    _check_policy(owner, options)
    return KafkaSource(
        topics=found,
        pattern=pattern,
        partitions=tuple(places),
        group_id=options.get("group_id"),
        batch=bool(options.get("batch")),
        max_records=options.get("max_records"),
        batch_timeout_ms=options.get("batch_timeout_ms", 200),
        client=chosen_options(options, consumer),
        native={name: options[name] for name in native if options.get(name) is not None},
        make_partition=make_partition,
    )


def _place(given: Any, owner: str) -> Place:
    topic, partition = getattr(given, "topic", None), getattr(given, "partition", None)
    if not isinstance(topic, str) or not isinstance(partition, int) or partition < 0:
        raise SetupError(
            f"{owner}: {given!r} is no partition: give TopicPartition(topic='name', partition=0)"
        )
    offset = getattr(given, "offset", None)
    return Place(topic, partition, offset if isinstance(offset, int) and offset >= 0 else None)


def _check_numbers(owner: str, options: Mapping[str, Any]) -> None:
    records = options.get("max_records")
    if records is not None and (not isinstance(records, int) or records < 1):
        raise OptionError(f"{owner}: max_records={records!r}: give a number from 1")
    group = options.get("group_id")
    if group is not None and (not isinstance(group, str) or not group):
        raise OptionError(
            f"{owner}: group_id={group!r}: give a non-empty str, or None for no group"
        )


def _check_policy(owner: str, options: Mapping[str, Any]) -> None:
    policy = options.get("ack_policy", EMPTY)
    if policy is AckPolicy.REJECT_ON_ERROR:
        warnings.warn(
            f"{owner}: Kafka cannot reject a message: REJECT_ON_ERROR does the same as ACK",
            UserWarning,
            stacklevel=4,
        )
    if policy is not EMPTY and policy is not AckPolicy.ACK_FIRST and not options.get("group_id"):
        raise SetupError(
            f"{owner}: ack_policy={policy} commits offsets, and those belong to a group: "
            "add group_id='name', or leave ack_policy out"
        )


def declare_reader(
    router: Router, owner: str, source: KafkaSource, options: core.SubscriberOptions
) -> KafkaSubscriber:
    """Makes a subscriber of what it reads and its checked options.

    Args:
        router: the broker or router.
        owner: the subscriber, for messages.
        source: what it reads, see `make_source`.
        options: those of the subscriber.
    """
    made = core.declare_subscriber(
        router,
        str(source),
        source,
        options,
        workers=_workers(owner, options),
        batch=source.batch,
        kind=KafkaSubscriber,
    )
    return cast(KafkaSubscriber, made)


def _workers(owner: str, options: Mapping[str, Any]) -> int | None:
    # a batch is one message
    workers = options.get("max_workers")
    if options.get("batch") and workers is not None and workers != 1:
        warnings.warn(
            f"{owner}: max_workers has no effect with batch=True: batches are handled one after "
            "the other",
            RuntimeWarning,
            stacklevel=4,
        )
        return 1
    return workers
