"""What metrics and traces call the things of Kafka, with either client."""

from __future__ import annotations

from typing import Any

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
