"""What metrics and traces call the things of Kafka, with either client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anystream.core.observed import Observed, destination_of

PARTITION = "messaging.kafka.destination.partition"
KEY = "messaging.kafka.message.key"


def consumed(partition: int | None, key: Any, offset: int | None) -> dict[str, Any]:
    """Attributes of what came in.

    Args:
        partition: where it stood.
        key: its key, if it has one.
        offset: its place there; None for a batch.
    """
    found: dict[str, Any] = {PARTITION: partition or 0}
    if key is not None:
        found[KEY] = shown_key(key)
    if offset is not None:
        found["messaging.kafka.message.offset"] = offset
    return found


def published(command: Any) -> dict[str, Any]:
    """Attributes of what goes out: partition and key, where they are given."""
    found: dict[str, Any] = {}
    if command.partition is not None:
        found[PARTITION] = command.partition
    if command.key is not None:
        found[KEY] = shown_key(command.key)
    return found


def shown_key(key: Any) -> str:
    """A key as text."""
    return key.decode(errors="replace") if isinstance(key, bytes) else str(key)


def observed(
    topic: Callable[[Any], str], place: Callable[[Any], tuple[int | None, Any, int | None]]
) -> Observed:
    """Kafka as metrics and traces see it.

    Args:
        topic: of one of the client's records.
        place: its partition, key and offset.
    """

    def consumed_from(message: Any) -> str:
        raw = message.raw_message
        return topic(raw[0] if isinstance(message.body, list) else raw)

    def attributes(message: Any) -> dict[str, Any]:
        raw = message.raw_message
        if not isinstance(message.body, list):
            return consumed(*place(raw))
        partition, key, _ = place(raw[0])
        return consumed(partition, key, None)

    return Observed(
        system="kafka",
        consumed_from=consumed_from,
        published_to=destination_of,
        consume_attributes=attributes,
        publish_attributes=published,
    )
