"""What a bucket's watcher sees: the change of a key, the change of an object."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from nats.aio.msg import Msg
from nats.js.api import ObjectInfo
from nats.js.kv import KV_DEL, KV_OP, KV_PURGE, KeyValue
from nats.js.object_store import ObjectStore

MARKER_REASON = "Nats-Marker-Reason"  # what servers from 2.11 on say of a value that expired
_EXPIRED = {"MaxAge": KV_PURGE, "Purge": KV_PURGE, "Remove": KV_DEL}


@dataclass
class KeyChange(KeyValue.Entry):
    """The client's entry of a bucket, with the headers that came with it."""

    headers: dict[str, str] = field(default_factory=dict)

    @property
    def deleted(self) -> bool:
        """Whether the key is gone."""
        return self.operation in (KV_DEL, KV_PURGE)


@dataclass
class ObjectChange(ObjectInfo):
    """The client's description of an object, with the bucket that it is in."""

    storage: ObjectStore | None = None


def key_change(raw: Msg, bucket: str) -> KeyChange:
    """Reads a message of a key-value bucket's stream."""
    headers: dict[str, str] = raw.headers or {}
    meta = raw.metadata
    created: Any = meta.timestamp
    return KeyChange(
        bucket=bucket,
        key=raw.subject.removeprefix(f"$KV.{bucket}."),
        value=raw.data,
        revision=meta.sequence.stream,
        delta=meta.num_pending,
        created=created,
        operation=headers.get(KV_OP) or _EXPIRED.get(headers.get(MARKER_REASON, "")),
        headers=headers,
    )


def object_change(raw: Msg, storage: ObjectStore | None) -> ObjectChange:
    """Reads a message about an object.

    Raises:
        ValueError: it is none; somebody else wrote into the bucket's subjects.
    """
    try:
        change: ObjectChange = ObjectChange.from_response(json.loads(raw.data))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"what came on {raw.subject!r} describes no object: {error}") from error
    change.storage = storage
    return change
