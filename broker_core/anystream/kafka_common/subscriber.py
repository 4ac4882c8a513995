"""What a program can read of a declared Kafka subscriber."""

from __future__ import annotations

from typing import Any

from anystream.core.subscriber import Subscriber
from anystream.kafka_common.source import wire_partitions, wire_topics
from anystream.kafka_common.topics import Topic


class KafkaSubscriber(Subscriber):
    """A subscriber of either client, see `Subscriber`."""

    @property
    def topics(self) -> list[Topic]:
        """Its topics, prefixes included; none if it reads partitions or a pattern."""
        return [] if self.source.partitions else wire_topics(self)

    @property
    def partitions(self) -> list[Any]:
        """Its explicit partitions as `TopicPartition`s of the client, prefixes included."""
        return [self.source.make_partition(place) for place in wire_partitions(self)]

    @property
    def group_id(self) -> str | None:
        """Its consumer group, None without one."""
        return self.source.group_id  # type: ignore[no-any-return]
