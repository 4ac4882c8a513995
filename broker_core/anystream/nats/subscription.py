"""From the arguments of `subscriber` to what is read, and what is wrong with them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

from nats.js.api import AckPolicy as NativeAckPolicy

from anystream.core.address import nats_template
from anystream.core.exceptions import OptionError, SetupError
from anystream.core.sentinel import EMPTY
from anystream.core.subjects import check_subject
from anystream.nats.schemas import JStream, KvWatch, ObjWatch, PullSub, check_bucket
from anystream.nats.source import NatsSource

_KEY_PART = re.compile(r"[-/_=a-zA-Z0-9]+\Z")

_STREAM_ONLY = (
    "durable",
    "config",
    "ordered_consumer",
    "idle_heartbeat",
    "flow_control",
    "deliver_policy",
    "headers_only",
    "ack_policy",
)
_PUSH_ONLY = ("ordered_consumer", "idle_heartbeat", "flow_control")
_NOT_ORDERED = ("durable", "ack_policy", "flow_control")
_SAME = (
    "durable",
    "config",
    "ordered_consumer",
    "idle_heartbeat",
    "flow_control",
    "deliver_policy",
    "headers_only",
    "pending_msgs_limit",
    "pending_bytes_limit",
    "max_msgs",
)
_INBOX_DEFAULTS = ("_INBOX.", b"_INBOX.")


def make_source(owner: str, subject: str, queue: str, options: Mapping[str, Any]) -> NatsSource:
    """Makes the source of a subscriber.

    Args:
        owner: who declares it, for messages.
        subject: the subject, empty if the consumer's configuration names some.
        queue: the group.
        options: see `SubscriberOptions`.

    Raises:
        SetupError: options that exclude one another, or no subject.
    """
    prefix = options.get("inbox_prefix") or ""
    given = {name: options[name] for name in _SAME if name in options}
    source = NatsSource(
        queue=queue,
        stream=JStream.of(options.get("stream"), owner),
        pull=PullSub.of(options.get("pull_sub"), owner),
        inbox_prefix=prefix.decode() if isinstance(prefix, bytes) else prefix,
        kv_watch=KvWatch.of(options.get("kv_watch"), owner),
        obj_watch=ObjWatch.of(options.get("obj_watch"), owner),
        **given,
    )
    _check(owner, subject, source)
    _warn(owner, source, options)
    return source


def _check(owner: str, subject: str, source: NatsSource) -> None:
    if not isinstance(source.queue, str):
        raise OptionError(f"{owner}: queue={source.queue!r} is no str")
    _check_kind(owner, subject, source)
    if not isinstance(subject, str) or (subject and source.filter_subjects):
        raise SetupError(f"{owner}: give one subject, or config.filter_subjects, not both")
    if not subject and not (source.stream and source.filter_subjects):
        raise SetupError(
            f"{owner}: there is nothing to read: give a subject, or a stream and a config with "
            "filter_subjects"
        )
    for wanted in (subject, *source.filter_subjects):
        if wanted:
            check_subject(nats_template(wanted).wire, wildcards=True, owner=owner)
    name = source.durable_name
    if source.kind == "push" and source.queue and name and name != source.queue:
        raise SetupError(
            f"{owner}: the consumer of a queue group is called like the group: leave durable out, "
            f"or call both {name!r}"
        )


def _check_kind(owner: str, subject: str, source: NatsSource) -> None:
    named = ("stream", "kv_watch", "obj_watch")
    given = [name for name in named if getattr(source, name) is not None]
    if len(given) > 1:
        raise SetupError(f"{owner}: {' and '.join(given)} exclude one another: give one of them")
    if source.pull is not None and source.stream is None:
        raise SetupError(f"{owner}: pull_sub needs a stream: add stream='name'")
    if source.watches and not subject:
        what = "a pattern of keys, '>' for all" if source.kv_watch else "the bucket's name"
        raise SetupError(f"{owner}: {given[0]} needs a subject: {what}")
    if source.kind == "keys":
        for part in nats_template(subject).wire.split("."):
            if part not in ("*", ">") and not _KEY_PART.match(part):
                raise SetupError(
                    f"{owner}: {part!r} is no part of a key: letters, digits, '-', '/', '_', '=', "
                    "or a wildcard"
                )
    elif source.kind == "objects":
        check_bucket(subject, owner)


def _warn(owner: str, source: NatsSource, options: Mapping[str, Any]) -> None:
    if source.watches:
        useless, why = [*_STREAM_ONLY, "max_msgs", "inbox_prefix"], "for the watcher of a bucket"
    elif source.stream is None:
        useless, why = [*_STREAM_ONLY, "inbox_prefix"], "without a stream"
    elif source.pull is not None:
        useless, why = [*_PUSH_ONLY, "max_msgs"], "with pull_sub"
    elif source.ordered_consumer:
        useless, why = [*_NOT_ORDERED, "max_msgs", "inbox_prefix"], "with ordered_consumer"
    else:
        useless, why = ["max_msgs", "inbox_prefix"], "for a stream that sends by itself"
    for name in useless:
        value = options.get(name)
        if value in _INBOX_DEFAULTS:  # given by position, to get to the next one
            continue
        if value is not None and value is not EMPTY and value is not False and value != 0:
            _say(f"{owner}: the option {name} has no effect {why}")
    if source.queue and source.kind not in ("core", "push"):
        instead = "; give the members one durable name" if source.pull is not None else ""
        _say(f"{owner}: queue has no effect {why}{instead}")


def _say(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=5)


def settles(source: NatsSource) -> bool:
    """Whether messages of a source are acknowledged at all."""
    if source.stream is None or source.ordered_consumer:
        return False
    return source.config is None or source.config.ack_policy is not NativeAckPolicy.NONE


def workers(source: NatsSource, asked: int | None) -> int:
    """How many messages are handled at once."""
    if asked is not None:
        return asked
    return source.pull.batch_size if source.kind == "pull" and source.pull else 1
