"""How aiokafka's subscribers are declared."""

from __future__ import annotations

from aiokafka.structs import TopicPartition
from typing_extensions import Unpack

from anystream.core.options import check_options
from anystream.core.router import DeferredPublisher, Route
from anystream.kafka.options import ConsumerOptions, KafkaSubscriberOptions
from anystream.kafka_common.declarations import KafkaDeclarations as CommonDeclarations
from anystream.kafka_common.options import declare_reader, make_source, owner_of
from anystream.kafka_common.source import Place
from anystream.kafka_common.subscriber import KafkaSubscriber
from anystream.kafka_common.topics import Topic


class KafkaDeclarations(CommonDeclarations):
    """What Kafka brokers and their routers can declare."""

    family = "kafka"

    def subscriber(
        self, *topics: str | Topic, **options: Unpack[KafkaSubscriberOptions]
    ) -> KafkaSubscriber:
        """Declares a subscriber; use it as a decorator.

        Args:
            *topics: what is read: names, or `Topic`s for those that are to be made.
            **options: see `KafkaSubscriberOptions`.

        Raises:
            SetupError: not exactly one of topics, `partitions` and `pattern`, or options that
                exclude one another.
            OptionError: an option does not exist, or cannot have this value.
        """
        owner = owner_of(topics, options)
        check_options(owner, options, KafkaSubscriberOptions)
        source = make_source(
            owner,
            topics,
            options,
            consumer=ConsumerOptions,
            make_partition=_partition,
            native=("listener",),
        )
        return declare_reader(self, owner, source, options)


def _partition(place: Place) -> TopicPartition:
    return TopicPartition(place.topic, place.partition)


class KafkaRouter(KafkaDeclarations):
    """Declarations to include in a `KafkaBroker`."""


class KafkaRoute(Route):
    """A handler and the arguments of its subscriber, see `KafkaDeclarations.subscriber`."""


class KafkaPublisher(DeferredPublisher):
    """Arguments of a publisher, for `KafkaRoute`."""
