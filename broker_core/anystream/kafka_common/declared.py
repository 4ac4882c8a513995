"""The topics that the declarations of a broker name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anystream.core.subscriber import Subscriber
from anystream.kafka_common.source import wire_topics
from anystream.kafka_common.topics import Topic

# by name: the topic, and who reads it (None: it is only written to)
Declared = dict[str, tuple[Topic, Subscriber | None]]


def declared_topics(subscribers: Iterable[Subscriber], publishers: Iterable[Any] = ()) -> Declared:
    """The topics of subscribers and publishers, prefixes included, each once."""
    found: Declared = {}
    for subscriber in subscribers:
        for topic in wire_topics(subscriber):
            found.setdefault(topic.name, (topic, subscriber))
    for publisher in publishers:
        own: Topic = publisher.options["topic_object"]
        topic = Topic(publisher.destination, own.num_partitions, own.replication_factor, own.config)
        found.setdefault(topic.name, (topic, None))
    return found
