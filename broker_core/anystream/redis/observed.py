"""What metrics and traces call the things of Redis."""

from __future__ import annotations

from anystream.core.observed import Observed, destination_of

OBSERVED = Observed(
    system="redis",
    consumed_from=lambda message: message.raw_message["channel"],
    published_to=destination_of,
)
