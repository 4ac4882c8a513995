"""What metrics and traces call the things of Kafka."""

from __future__ import annotations

from typing import Any

from anystream.core.observed import Observed, destination_of
from anystream.kafka_common.observed import consumed, published


def _topic(message: Any) -> str:
    raw = message.raw_message
    return (raw[0] if isinstance(message.body, list) else raw).topic  # type: ignore[no-any-return]


def _attributes(message: Any) -> dict[str, Any]:
    raw = message.raw_message
    if isinstance(message.body, list):
        return consumed(raw[0].partition, raw[0].key, None)
    return consumed(raw.partition, raw.key, raw.offset)


OBSERVED = Observed(
    system="kafka",
    consumed_from=_topic,
    published_to=destination_of,
    consume_attributes=_attributes,
    publish_attributes=published,
)
