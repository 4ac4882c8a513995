"""What metrics and traces call the things of NATS."""

from __future__ import annotations

from typing import Any

from anystream.core.observed import Observed, destination_of
from anystream.nats.message import NatsKvMessage, NatsMessage, NatsObjMessage


def _subject(message: Any) -> str | None:
    if type(message) is NatsMessage:
        return message.raw_message.subject
    if isinstance(message, (NatsKvMessage, NatsObjMessage)):
        return None  # a change that is watched is no message that somebody has published
    raw = message.raw_message
    return (raw[0] if isinstance(raw, list) else raw).subject  # type: ignore[no-any-return]


OBSERVED = Observed(system="nats", consumed_from=_subject, published_to=destination_of)
