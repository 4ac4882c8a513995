"""How subscribers through librdkafka are declared."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from typing_extensions import Unpack

from anystream.confluent.client_config import DEFAULT_GROUP
from anystream.confluent.options import (
    CONSUMER_DEFAULTS,
    NATIVE,
    ConsumerOptions,
    KafkaSubscriberOptions,
)
from anystream.confluent.schemas import NOT_GIVEN, TopicPartition
from anystream.core.exceptions import OptionError, SetupError
from anystream.core.options import check_options
from anystream.core.router import DeferredPublisher, Route
from anystream.kafka_common.declarations import KafkaDeclarations
from anystream.kafka_common.options import declare_reader, make_source, owner_of
from anystream.kafka_common.source import Place
from anystream.kafka_common.subscriber import KafkaSubscriber
from anystream.kafka_common.topics import Topic

# what Python's expressions can and POSIX's cannot
_NOT_POSIX = re.compile(r"\(\?|\\[dDAZ]|[*+?}][?+]")


class ConfluentDeclarations(KafkaDeclarations):
    """What brokers through librdkafka and their routers can declare."""

    family = "confluent"

    def subscriber(
        self, *topics: str | Topic, **options: Unpack[KafkaSubscriberOptions]
    ) -> KafkaSubscriber:
        """Declares a subscriber; use it as a decorator.

        Args:
            *topics: what is read; or give `pattern`, or `partitions`.
            **options: see `KafkaSubscriberOptions`.

        Raises:
            SetupError: there is nothing to read, or options exclude one another.
            OptionError: an option does not exist, or has a wrong value.
        """
        owner = owner_of(topics, options)
        check_options(owner, options, KafkaSubscriberOptions)
        _check(owner, options)
        source = make_source(
            owner,
            topics,
            options,
            consumer=ConsumerOptions,
            make_partition=_partition,
            native=NATIVE,
        )
        _check_pattern(owner, source.pattern)
        source = replace(
            source,
            group_id=source.group_id or DEFAULT_GROUP,
            client={**CONSUMER_DEFAULTS, **source.client},
        )
        return declare_reader(self, owner, source, options)


def _partition(place: Place) -> TopicPartition:
    offset = NOT_GIVEN if place.offset is None else place.offset
    return TopicPartition(place.topic, place.partition, offset)


def _check(owner: str, options: Mapping[str, Any]) -> None:
    interval = options.get("polling_interval", 0.1)
    if not isinstance(interval, (int, float)) or not 0 < interval <= 60:
        raise OptionError(
            f"{owner}: polling_interval={interval!r}: give seconds, more than 0 and at most 60"
        )
    for name in ("on_assign", "on_revoke", "on_lost"):
        callback = options.get(name)
        if callback is None:
            continue
        if not callable(callback) or inspect.iscoroutinefunction(callback):
            raise OptionError(
                f"{owner}: {name}={callback!r} must be a plain function (consumer, partitions): "
                "it is called in the consumer's thread"
            )


def _check_pattern(owner: str, pattern: str | None) -> None:
    found = _NOT_POSIX.search(pattern) if pattern is not None else None
    if found is not None:
        raise SetupError(
            f"{owner}: librdkafka reads patterns as POSIX extended expressions, which have no "
            f"{found.group()!r}: write [0-9] for \\d, and groups without '?'"
        )


class KafkaRouter(ConfluentDeclarations):
    """Declarations to include in a `KafkaBroker`."""


class KafkaRoute(Route):
    """A handler and the arguments of its subscriber, see `ConfluentDeclarations.subscriber`."""


class KafkaPublisher(DeferredPublisher):
    """Arguments of a publisher, for `KafkaRoute`."""
