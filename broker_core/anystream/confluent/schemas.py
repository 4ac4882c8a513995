"""What is given to subscribers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import confluent_kafka

__all__ = ("TopicPartition",)

NOT_GIVEN = -1001  # librdkafka's "wherever the group or the reset policy says"


@dataclass(frozen=True)
class TopicPartition:
    """One partition, and where in it to begin.

    Args:
        topic: the topic.
        partition: its number.
        offset: where to begin; where the group was, or `auto_offset_reset` says, by default.
        metadata: kept with committed offsets.
        leader_epoch: of the offset.
    """

    topic: str
    partition: int = -1
    offset: int = NOT_GIVEN
    metadata: str | None = None
    leader_epoch: int | None = None

    def to_confluent(self) -> confluent_kafka.TopicPartition:
        """The client's own object."""
        options: dict[str, Any] = {"metadata": self.metadata, "leader_epoch": self.leader_epoch}
        given = {name: value for name, value in options.items() if value is not None}
        return confluent_kafka.TopicPartition(self.topic, self.partition, self.offset, **given)

    def add_prefix(self, prefix: str) -> TopicPartition:
        """The same with another topic."""
        return replace(self, topic=f"{prefix}{self.topic}")
