"""What metrics and traces call the things of Redis."""

from __future__ import annotations

from typing import Any

from anystream.core.observed import ConsumeAttrs, Observed, destination_of


class RedisObserved(Observed):
    """Measures batches without writing the JSON array that is their body."""

    def consumed(self, message: Any) -> ConsumeAttrs | None:
        parts = getattr(message, "_parts", None)
        if parts is None:
            return super().consumed(message)
        return ConsumeAttrs(message.raw_message["channel"], len(parts), sum(map(len, parts)))


OBSERVED = RedisObserved(
    system="redis",
    consumed_from=lambda message: message.raw_message["channel"],
    published_to=destination_of,
)
