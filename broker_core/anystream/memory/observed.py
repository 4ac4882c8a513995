"""What metrics and traces call the things of the embedded broker."""

from __future__ import annotations

from anystream.core.observed import Observed, destination_of

OBSERVED = Observed(
    system="memory",
    consumed_from=lambda message: message.raw_message.subject,
    published_to=destination_of,
)
