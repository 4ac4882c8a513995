"""What logs and the AsyncAPI document say of Kafka, and what a publisher adds to commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anystream.core.publisher import Publisher
from anystream.core.subscriber import Subscriber
from anystream.kafka_common.source import shown_topics, wire_topics


class KafkaDescription:
    """The hooks of `Broker` that are the same for both clients; put it before `Broker`."""

    def log_columns(self: Any) -> Mapping[str, int]:
        """Topic, group if any subscriber has one, message id."""
        found = self.subscribers
        topic = max((len(_shown(sub)) for sub in found), default=4)
        group = max((len(sub.source.group_id or "") for sub in found), default=0)
        columns = {"topic": max(4, topic), "group_id": group, "message_id": 10}
        return {name: width for name, width in columns.items() if width}

    def log_fields(self, subscriber: Subscriber, message: Any) -> dict[str, Any]:
        """The values of those columns; the topic is that of the message, if there is one."""
        return {
            "topic": _shown(subscriber) if message is None else _topic_of(message.raw_message),
            "group_id": subscriber.source.group_id or "",
            "message_id": message.message_id[:10] if message is not None else "",
        }

    def fill_command(self, command: Any, options: Mapping[str, Any]) -> None:
        """Key and partition of a publisher, where the command leaves them open."""
        key, partition = options.get("routing", (None, None))
        if command.key is None:
            command.key = key
        if command.partition is None:
            command.partition = partition

    def channel_addresses(self, declared: Subscriber | Publisher) -> Sequence[str]:
        """One channel for each topic or pattern."""
        if isinstance(declared, Publisher):
            return [declared.destination]
        if declared.source.pattern is not None:
            return shown_topics(declared)
        return [topic.name for topic in wire_topics(declared)]

    def channel_bindings(self, declared: Subscriber | Publisher, address: str) -> Mapping[str, Any]:
        """The topic."""
        return {"kafka": {"topic": address, "bindingVersion": "0.4.0"}}


def _shown(subscriber: Subscriber) -> str:
    return ",".join(shown_topics(subscriber))


def _topic_of(raw: Any) -> str:
    """The topic of a record, or of the first of a batch; some clients make it a method."""
    first = raw[0] if isinstance(raw, (list, tuple)) else raw
    topic: Any = first.topic
    return str(topic() if callable(topic) else topic)
