"""When a message is acknowledged."""

from __future__ import annotations

from enum import Enum


class AckPolicy(str, Enum):
    """What happens to a message when its handler is done.

    `ACK_FIRST` acknowledges before the handler runs, `ACK` whatever the outcome,
    `REJECT_ON_ERROR` and `NACK_ON_ERROR` acknowledge on success only, `MANUAL` never.
    """

    ACK_FIRST = "ack_first"
    ACK = "ack"
    REJECT_ON_ERROR = "reject_on_error"
    NACK_ON_ERROR = "nack_on_error"
    MANUAL = "manual"


class AckStatus(str, Enum):
    """What has been told to the server about a message."""

    ACKED = "ACKED"
    NACKED = "NACKED"
    REJECTED = "REJECTED"
