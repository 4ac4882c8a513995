"""What metrics and traces call the things of Kafka; librdkafka's messages have methods."""

from __future__ import annotations

from anystream.kafka_common.observed import observed

OBSERVED = observed(lambda raw: raw.topic(), lambda raw: (raw.partition(), raw.key(), raw.offset()))
