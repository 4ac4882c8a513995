"""What differs between a consumer at the server and its declaration."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from nats.js.api import ConsumerConfig

# Where it began is no matter once it has begun; the rest is the server's own affair.
_NOT_COMPARED = {
    "name",
    "durable_name",
    "deliver_policy",
    "opt_start_seq",
    "opt_start_time",
    "deliver_subject",
    "deliver_group",
    "idle_heartbeat",
    "flow_control",
    "inactive_threshold",
    "num_replicas",
    "mem_storage",
    "metadata",
}


def changed(found: ConsumerConfig, wanted: ConsumerConfig) -> dict[str, Any]:
    """The declared values that the server does not have; what is not declared stays as it is."""
    new: dict[str, Any] = {}
    for field in fields(ConsumerConfig):
        value = getattr(wanted, field.name)
        if field.name in _NOT_COMPARED or value is None:
            continue
        if not _same(getattr(found, field.name), value):
            new[field.name] = value
    return new


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, float):
        return abs(float(found or 0.0) - wanted) < 1e-6
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and not any(
            not _same(*pair) for pair in zip(found, wanted, strict=True)
        )
    return bool(found == wanted) or (not found and not wanted)
