"""The `x-*` arguments of queues, as RabbitMQ documents them, for type checkers and readers."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

# Names with dashes cannot be written as class attributes.
_Common = TypedDict(
    "_Common",
    {
        "x-queue-leader-locator": Literal["client-local", "balanced"],
        "x-max-length-bytes": int,
    },
    total=False,
)

_Settling = TypedDict(
    "_Settling",
    {
        "x-dead-letter-exchange": str,
        "x-dead-letter-routing-key": str,
        "x-expires": int,
        "x-message-ttl": int,
        "x-max-length": int,
        "x-single-active-consumer": bool,
    },
    total=False,
)

_ClassicKeys = TypedDict(
    "_ClassicKeys",
    {
        "x-overflow": Literal["drop-head", "reject-publish", "reject-publish-dlx"],
        "x-max-priority": int,
        "x-queue-mode": Literal["default", "lazy"],
        "x-queue-version": int,
        "x-queue-master-locator": Literal["client-local", "min-masters", "random"],
    },
    total=False,
)

_QuorumKeys = TypedDict(
    "_QuorumKeys",
    {
        "x-overflow": Literal["drop-head", "reject-publish"],
        "x-delivery-limit": int,
        "x-quorum-initial-group-size": int,
        "x-quorum-target-group-size": int,
        "x-dead-letter-strategy": Literal["at-most-once", "at-least-once"],
    },
    total=False,
)

_StreamKeys = TypedDict(
    "_StreamKeys",
    {
        "x-max-age": str,
        "x-stream-max-segment-size-bytes": int,
        "x-stream-filter-size-bytes": int,
        "x-initial-cluster-size": int,
    },
    total=False,
)


class ClassicQueueArguments(_Common, _Settling, _ClassicKeys, total=False):
    """Arguments of a classic queue: priorities, TTL, dead letters, limits."""


class QuorumQueueArguments(_Common, _Settling, _QuorumKeys, total=False):
    """Arguments of a quorum queue: delivery limit, TTL, dead letters, replicas."""


class StreamQueueArguments(_Common, _StreamKeys, total=False):
    """Arguments of a stream: how much is kept, and for how long."""


QueueArguments = ClassicQueueArguments | QuorumQueueArguments | StreamQueueArguments
