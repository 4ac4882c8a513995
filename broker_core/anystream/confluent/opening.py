"""Making the consumer of a subscriber; in the consumer's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from anystream.confluent.rebalancing import Rebalancing
from anystream.confluent.reports import in_loop
from anystream.kafka_common.source import wire_partitions, wire_pattern, wire_topics
from anystream.kafka_common.topics import TopicPattern

if TYPE_CHECKING:
    from anystream.confluent.intake import Intake

ASK_SECONDS = 1.0


def make_consumer(intake: Intake) -> Any:
    """A consumer that reads what the subscriber says.

    Raises:
        OptionError: librdkafka refuses a key or a value.
    """
    subscriber, loop = intake.subscriber, intake.thread.loop
    config = _config(intake)
    consumer = intake.clients.make(
        Consumer, config, f"the consumer of {subscriber!r}", intake.on_error
    )
    places = wire_partitions(subscriber)
    if places:
        consumer.assign([_partition(*each) for each in places])
        in_loop(loop, intake.assigned, {each[:2] for each in places})
        return consumer
    rebalancing = Rebalancing(
        intake,
        dict(subscriber.source.native),
        incremental="cooperative" in str(config.get("partition.assignment.strategy"))
        or str(config.get("group.protocol")).lower() == "consumer",
        from_end=str(config.get("auto.offset.reset")) in ("latest", "end", "largest"),
    )
    pattern = wire_pattern(subscriber)
    topics = [each.name for each in wire_topics(subscriber)]
    consumer.subscribe(
        topics if pattern is None else [f"^{pattern.wire}"],
        on_assign=rebalancing.on_assign,
        on_revoke=rebalancing.on_revoke,
        on_lost=rebalancing.on_lost,
    )
    if pattern is not None and not _matches(consumer, pattern):
        # the client joins the group only when there is something to read
        in_loop(loop, intake.assigned, set())
    return consumer


def _config(intake: Intake) -> dict[str, Any]:
    source = intake.subscriber.source
    # the client would commit what it has handed out; what was handled, only we know
    ownership = {
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "on_commit": intake.commits.on_commit,
    }
    return intake.clients.config.consumer(source.client, source.group_id, ownership)


def _partition(topic: str, partition: int, offset: int | None) -> TopicPartition:
    if offset is None:
        return TopicPartition(topic, partition)
    return TopicPartition(topic, partition, offset)


def _matches(consumer: Any, pattern: TopicPattern) -> bool:
    try:
        known = consumer.list_topics(timeout=ASK_SECONDS).topics
    except KafkaException:
        return True
    return any(pattern.matches(name) for name in known)
