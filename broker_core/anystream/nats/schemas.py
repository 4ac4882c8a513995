"""Streams, pulling and schedules, as a program declares them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from nats.js.api import DiscardPolicy, StreamConfig
from typing_extensions import TypedDict, Unpack

from anystream.core.exceptions import OptionError, SetupError
from anystream.core.options import check_options
from anystream.core.subjects import check_subject, matches

BUCKET_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")


class StreamOptions(TypedDict, total=False):
    """Options of a stream; see the NATS documentation for their meaning.

    Keys:
        retention, max_consumers, max_msgs, max_bytes, max_age (seconds), max_msgs_per_subject,
            max_msg_size, discard: what is kept, and for how long.
        storage, num_replicas, placement: where it is kept.
        no_ack: the stream acknowledges nothing that is published to it.
        template_owner, duplicate_window (seconds), mirror, sources, sealed, deny_delete,
            deny_purge, allow_rollup_hdrs, republish, allow_direct, mirror_direct,
            discard_new_per_subject: as the server has them.
        first_seq, subject_transform, compression, metadata, consumer_limits: from server 2.10 on.
        allow_msg_ttl, subject_delete_marker_ttl (seconds): from server 2.11 on.
        allow_msg_schedules, allow_atomic, allow_msg_counter: from server 2.12 on.
    """

    retention: Any
    max_consumers: int | None
    max_msgs: int | None
    max_bytes: int | None
    discard: DiscardPolicy | None
    max_age: float | None
    max_msgs_per_subject: int
    max_msg_size: int | None
    storage: Any
    num_replicas: int | None
    no_ack: bool
    template_owner: str | None
    duplicate_window: float
    placement: Any
    mirror: Any
    sources: list[Any] | None
    sealed: bool
    deny_delete: bool
    deny_purge: bool
    allow_rollup_hdrs: bool
    republish: Any
    allow_direct: bool | None
    mirror_direct: bool | None
    discard_new_per_subject: bool
    first_seq: int | None
    subject_transform: Any
    compression: Any
    metadata: dict[str, str] | None
    consumer_limits: Any
    allow_msg_ttl: bool | None
    subject_delete_marker_ttl: float | None
    allow_msg_schedules: bool | None
    allow_atomic: bool | None
    allow_msg_counter: bool | None


# What servers before that version ignore without a word.
STREAM_OPTION_SINCE = {
    "first_seq": (2, 10),
    "subject_transform": (2, 10),
    "compression": (2, 10),
    "metadata": (2, 10),
    "consumer_limits": (2, 10),
    "allow_msg_ttl": (2, 11),
    "subject_delete_marker_ttl": (2, 11),
    "allow_msg_schedules": (2, 12),
    "allow_atomic": (2, 12),
    "allow_msg_counter": (2, 12),
}


class JStream:
    """A JetStream stream.

    Subscribers and publishers that name it add their subjects to it.

    Args:
        name: its name.
        description: for people.
        subjects: what it takes besides.
        declare: whether it is created (or given the missing subjects) when the broker starts.
        **options: see `StreamOptions`.

    Raises:
        SetupError: the name cannot be one.
        OptionError: an option does not exist.
    """

    def __init__(
        self,
        name: str,
        description: str | None = None,
        subjects: Iterable[str] | None = None,
        *,
        declare: bool = True,
        **options: Unpack[StreamOptions],
    ) -> None:
        if not isinstance(name, str) or not name or set(name) & set(" .*>/\\\t\r\n"):
            raise SetupError(
                f"JStream({name!r}): the name of a stream is a str without dots, slashes, "
                "wildcards and white space"
            )
        check_options(f"JStream({name!r})", options, StreamOptions)
        missing = sorted(set(options) - {field.name for field in fields(StreamConfig)})
        if missing:
            raise OptionError(
                f"JStream({name!r}): the installed nats-py does not know {', '.join(missing)}: "
                "take a newer one"
            )
        self.name = name
        self.description = description
        self.declare = declare
        self.subjects: list[str] = []
        self.options = options
        for subject in subjects or ():
            self.add_subject(subject)

    @classmethod
    def of(cls, stream: JStream | str | None, owner: str) -> JStream | None:
        """A stream from what a declaration names."""
        if stream is None or isinstance(stream, JStream):
            return stream
        if isinstance(stream, str):
            return cls(stream)
        raise SetupError(f"{owner}: stream={stream!r} is neither a str nor a JStream")

    def add_subject(self, subject: str) -> None:
        """Adds a subject, unless one that is there covers it; drops those that it covers."""
        self.subjects = with_subject(self.subjects, subject)

    def config(self, subjects: Iterable[str], known: StreamConfig | None = None) -> StreamConfig:
        """The client's configuration of the stream with these subjects.

        Args:
            subjects: what it takes; of a mirror its origin says that.
            known: the configuration at the server, if it is there: what this object says
                nothing of stays as it is.
        """
        given: dict[str, Any] = {"name": self.name, **self.options}
        if self.description is not None:
            given["description"] = self.description
        if known is not None and known.metadata and self.options.get("metadata"):
            given["metadata"] = {**known.metadata, **given["metadata"]}  # the server has its own
        if not self.options.get("mirror"):
            given["subjects"] = list(subjects) or None
        return replace(known or StreamConfig(), **given)

    def __repr__(self) -> str:
        return f"JStream({self.name!r})"


def with_subject(subjects: list[str], new: str) -> list[str]:
    """Subjects and a new one, without those that others cover."""
    if any(_covers(subject, new) for subject in subjects):
        return subjects
    return [subject for subject in subjects if not _covers(new, subject)] + [new]


def _covers(pattern: str, subject: str) -> bool:
    open_end = subject == ">" or subject.endswith(".>")
    if open_end and not (pattern == ">" or pattern.endswith(".>")):
        return False
    return matches(pattern, subject)


@dataclass(frozen=True)
class PullSub:
    """Reads a stream by asking for messages instead of being sent them.

    Args:
        batch_size: how many messages are asked for at once. They are handled in parallel; with
            `batch`, it is the most that a handler gets.
        timeout: seconds that one request to the server stays open; with `batch`, a handler gets
            what there is after that time. None for the longest time that makes sense.
        batch: handlers take a list of bodies.
    """

    batch_size: int = 1
    timeout: float | None = 5.0
    batch: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.batch_size, int) or self.batch_size < 1:
            raise SetupError(f"PullSub: batch_size={self.batch_size!r}: give a number from 1")
        if self.timeout is not None and self.timeout <= 0:
            raise SetupError(f"PullSub: timeout={self.timeout!r}: give seconds above 0, or None")

    @classmethod
    def of(cls, value: PullSub | bool | None, owner: str) -> PullSub | None:
        """How to pull, from what a declaration says; None for not at all."""
        if value is None or isinstance(value, bool):
            return cls() if value else None
        if isinstance(value, cls):
            return value
        raise SetupError(f"{owner}: pull_sub={value!r} is neither True nor a PullSub")


def check_bucket(name: Any, owner: str) -> None:
    """Raises SetupError unless a bucket can have this name."""
    if not isinstance(name, str) or not BUCKET_NAME.match(name):
        raise SetupError(
            f"{owner}: the name of a bucket is a str of letters, digits, '-' and '_', not {name!r}"
        )


@dataclass(frozen=True)
class KvWatch:
    """Reads the changes of a key-value bucket; the subscriber's subject says of which keys.

    First comes the value that each key has, then every change.

    Args:
        bucket: its name.
        headers_only: leave the values out.
        include_history: begin with all values that the bucket still has of each key.
        ignore_deletes: leave out that a key was deleted or purged.
        meta_only: the same as `headers_only`.
        inactive_threshold: seconds that the server keeps the watcher while nobody reads from it
            (an outage); 300 by default. When it is gone, a new one goes on at the same place.
        timeout: has no effect: changes are sent, not asked for.
        declare: make the bucket if it is not there; False fails the start.
    """

    bucket: str
    headers_only: bool = False
    include_history: bool = False
    ignore_deletes: bool = False
    meta_only: bool = False
    inactive_threshold: float | None = None
    timeout: float = 5.0
    declare: bool = True

    def __post_init__(self) -> None:
        check_bucket(self.bucket, "KvWatch")
        threshold = self.inactive_threshold
        if threshold is not None and threshold <= 0:
            raise SetupError(f"KvWatch: inactive_threshold={threshold!r}: give seconds above 0")

    @classmethod
    def of(cls, value: KvWatch | str | None, owner: str) -> KvWatch | None:
        """What to watch, from what a declaration says; None for nothing."""
        if value is None or isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls(value)
        raise SetupError(f"{owner}: kv_watch={value!r} is neither a bucket's name nor a KvWatch")


@dataclass(frozen=True)
class ObjWatch:
    """Reads the changes of an object bucket; the subscriber's subject is the bucket's name.

    First come the objects that are there, then every change.

    Args:
        ignore_deletes: leave out that an object was deleted.
        include_history: begin with all that the bucket still knows of each object.
        meta_only: has no effect: a watcher gets names, the contents are read from the bucket.
        timeout: has no effect: changes are sent, not asked for.
        declare: make the bucket if it is not there; False fails the start.
    """

    ignore_deletes: bool = False
    include_history: bool = False
    meta_only: bool = False
    timeout: float = 5.0
    declare: bool = True

    @classmethod
    def of(cls, value: ObjWatch | bool | None, owner: str) -> ObjWatch | None:
        """How to watch, from what a declaration says; None for not at all."""
        if value is None or isinstance(value, bool):
            return cls() if value else None
        if isinstance(value, cls):
            return value
        raise SetupError(f"{owner}: obj_watch={value!r} is neither True nor an ObjWatch")


@dataclass(frozen=True)
class Schedule:
    """A time at which a stream (with `allow_msg_schedules`) delivers a message.

    Args:
        time: when; without time zone it is UTC.
        target: the subject that it is delivered to, one of the same stream.
    """

    time: datetime
    target: str

    def __post_init__(self) -> None:
        if not isinstance(self.time, datetime):
            raise SetupError(f"Schedule: time={self.time!r} is no datetime")
        check_subject(self.target, wildcards=False, owner="Schedule")

    def headers(self) -> dict[str, str]:
        """The headers that tell the server."""
        from datetime import timezone

        moment = self.time if self.time.tzinfo else self.time.replace(tzinfo=timezone.utc)
        text = moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
        return {"Nats-Schedule": f"@at {text}", "Nats-Schedule-Target": self.target}
