"""The options of aiokafka's brokers and subscribers, each written once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import TypedDict

from anystream.kafka_common.options import (
    AnyClientOptions,
    CommonBrokerOptions,
    CommonConsumerOptions,
    CommonSubscriberOptions,
    ProducerOptions,
)


class EverywhereOptions(AnyClientOptions, total=False):
    """Options of all of the client library's objects, besides those of both clients.

    Keys:
        sasl_kerberos_service_name, sasl_kerberos_domain_name: for `SASLGSSAPI`.
        sasl_oauth_token_provider: for `SASLOAuthBearer`, an `AbstractTokenProvider`.
    """

    sasl_kerberos_service_name: str
    sasl_kerberos_domain_name: str | None
    sasl_oauth_token_provider: Any


class NativeProducerOptions(ProducerOptions, total=False):
    """Options of the client's producer, besides those of both clients.

    Keys:
        max_batch_size: bytes of one batch of records at most, 16384 by default.
        key_serializer, value_serializer: make bytes of keys, and of bodies that are encoded
            already.
    """

    max_batch_size: int
    key_serializer: Callable[[Any], bytes] | None
    value_serializer: Callable[[Any], bytes] | None


class EveryConsumerOptions(TypedDict, total=False):
    """Options of a broker for all of its consumers.

    Keys:
        client_rack: where this client is; consumers then read from the nearest copy.
    """

    client_rack: str | None


class ClientOptions(EverywhereOptions, NativeProducerOptions, EveryConsumerOptions, total=False):
    """All options of a broker that go to the client library."""


class KafkaBrokerOptions(CommonBrokerOptions, ClientOptions, total=False):
    """Options of `KafkaBroker`: those of both clients, those of aiokafka, and this one.

    Keys:
        consumer_only: make no producer: nothing can be published and no topic made, and `ping`
            says False.
    """

    consumer_only: bool


class ConsumerOptions(CommonConsumerOptions, total=False):
    """Options of the client's consumer, besides those of both clients.

    Keys:
        client_rack: where this consumer is, instead of the broker's.
        key_deserializer, value_deserializer: what the client makes of keys and values.
        rebalance_timeout_ms: how long the group waits for members while it divides partitions;
            `session_timeout_ms` by default.
        max_poll_records: how many records are taken from the client at once, 500 by default.
        exclude_internal_topics: patterns do not match Kafka's own topics, True by default.
        consumer_timeout_ms: how often the client looks for new work, 200 by default.
    """

    client_rack: str | None
    key_deserializer: Callable[[bytes], Any] | None
    value_deserializer: Callable[[bytes], Any] | None
    rebalance_timeout_ms: int | None
    max_poll_records: int | None
    exclude_internal_topics: bool
    consumer_timeout_ms: int


class KafkaSubscriberOptions(CommonSubscriberOptions, ConsumerOptions, total=False):
    """Options of `subscriber`: those of both clients, those of the consumer, and these.

    Keys:
        batch_timeout_ms: how long a batch is waited for, 200 by default.
        pattern: a regular expression instead of topics; `{name}` parts are captured.
        listener: told of partitions that are assigned, revoked (after the handlers have ended and
            offsets were committed) or lost: an object with `on_partitions_assigned`,
            `on_partitions_revoked` and, if it likes, `on_partitions_lost`, sync or async.
    """

    batch_timeout_ms: int
    pattern: str | re.Pattern[str] | None
    listener: Any


CHOICES: Mapping[str, tuple[Any, ...]] = {
    "acks": (0, 1, -1, "all"),
    "compression_type": (None, "gzip", "snappy", "lz4", "zstd"),
}

# what each kind of the client's objects takes
EVERYWHERE = tuple(EverywhereOptions.__optional_keys__)
CONSUMER = tuple(EveryConsumerOptions.__optional_keys__)
