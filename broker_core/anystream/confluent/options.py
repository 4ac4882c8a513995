"""The options of librdkafka's brokers and subscribers, each written once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from anystream.confluent.config import ConfluentConfig
from anystream.core.sentinel import EMPTY
from anystream.kafka_common.options import (
    CommonBrokerOptions,
    CommonConsumerOptions,
    CommonSubscriberOptions,
)

Rebalanced = Callable[[Any, list[Any]], Any]


class KafkaBrokerOptions(CommonBrokerOptions, total=False):
    """Options of `KafkaBroker`: those of both clients, and this one.

    `partitioner` is a name: consistent_random (default), consistent, random, murmur2,
    murmur2_random, fnv1a, fnv1a_random.

    Keys:
        config: keys of librdkafka, see `ConfluentConfig`; they win over everything else.
    """

    config: ConfluentConfig | dict[str, Any] | None


class ConsumerOptions(CommonConsumerOptions, total=False):
    """Options of the client's consumer: those of both clients.

    `partition_assignment_strategy` has names: roundrobin (default), range, cooperative-sticky.
    """


class KafkaSubscriberOptions(CommonSubscriberOptions, ConsumerOptions, total=False):
    """Options of `subscriber`: those of both clients, and these.

    Without a `group_id` the group is `faststream-consumer-group`.

    Keys:
        polling_interval: seconds of one look for messages, 0.1 by default; so long a batch is
            waited for, and a `batch=True` handler for more messages.
        pattern: a regular expression (POSIX extended) instead of topics; `{name}` parts are
            captured.
        on_assign, on_revoke, on_lost: plain functions, called with the client's consumer and its
            partitions in the consumer's thread when partitions have come, before they go (the
            handlers have ended and offsets are committed by then), and when they were lost.
    """

    polling_interval: float
    pattern: str | re.Pattern[str] | None
    on_assign: Rebalanced | None
    on_revoke: Rebalanced | None
    on_lost: Rebalanced | None


NATIVE = ("polling_interval", "on_assign", "on_revoke", "on_lost")

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "acks": (0, 1, -1, "all"),
    "compression_type": (None, "none", "gzip", "snappy", "lz4", "zstd"),
    "partitioner": (
        *("consistent_random", "consistent", "random", "murmur2", "murmur2_random"),
        *("fnv1a", "fnv1a_random"),
    ),
}

BROKER_DEFAULTS: Mapping[str, Any] = {
    "request_timeout_ms": 40_000,
    "retry_backoff_ms": 100,
    "metadata_max_age_ms": 300_000,
    "connections_max_idle_ms": 540_000,
    "client_id": "anystream",
    "allow_auto_create_topics": True,
    "acks": EMPTY,
    "compression_type": None,
    "partitioner": "consistent_random",
    "max_request_size": 1_048_576,
    "linger_ms": 0,
    "enable_idempotence": False,
    "transactional_id": None,
    "transaction_timeout_ms": 60_000,
}

CONSUMER_DEFAULTS: Mapping[str, Any] = {
    "fetch_max_bytes": 52_428_800,
    "fetch_min_bytes": 1,
    "fetch_max_wait_ms": 500,
    "max_partition_fetch_bytes": 1_048_576,
    "auto_offset_reset": "latest",
    "auto_commit_interval_ms": 5_000,
    "check_crcs": True,
    "partition_assignment_strategy": ("roundrobin",),
    "max_poll_interval_ms": 300_000,
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 3_000,
    "isolation_level": "read_uncommitted",
}
