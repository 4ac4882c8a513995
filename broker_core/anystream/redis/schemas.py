"""What can be read and written: channels, lists and streams."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from anystream.core.address import Template
from anystream.core.exceptions import OptionError, SetupError
from anystream.redis.globs import redis_template

DEFAULT_STREAM_POLL = 100
_STREAM_ID = re.compile(r"\d+(-\d+)?")


def _name(kind: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SetupError(f"{kind}({value!r}): its name is a non-empty str")
    return value


def _positive(owner: Any, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if value is not None and (isinstance(value, bool) or not value > 0):
            raise SetupError(f"{type(owner).__name__}: {name}={value!r}: give a number above 0")


@dataclass(frozen=True)
class PubSub:
    """A channel, or all channels that a pattern fits.

    Args:
        channel: its name. A `{name}` part or a `*` makes it a pattern.
        pattern: whether it is a pattern; then `*`, `?`, `[abc]` and `\\` mean what Redis says.
        polling_interval: seconds of silence after which the connection is tested, at least 1.
    """

    kind: ClassVar[str] = "channel"
    batch: ClassVar[bool] = False

    channel: str
    pattern: bool = False
    polling_interval: float = 1.0

    def __post_init__(self) -> None:
        _name("PubSub", self.channel)
        _positive(self, "polling_interval")
        if "*" in self.template.wire:
            object.__setattr__(self, "pattern", True)

    @property
    def template(self) -> Template:
        """The channel with its `{name}` parts."""
        return redis_template(self.channel)

    @property
    def name(self) -> str:
        """The channel as Redis sees it: with `*` for each `{name}` part."""
        return self.template.wire

    @property
    def address(self) -> str:
        """The channel as declared."""
        return self.channel


@dataclass(frozen=True)
class ListSub:
    """A list: publishing appends to its end, a subscriber takes from its beginning.

    What was taken is gone from the list, whatever the handler does: at most once.

    Args:
        list_name: its name.
        batch: handlers take a list of bodies; as a publisher, it publishes several at once.
        max_records: the most that one batch has.
        polling_interval: seconds that one read waits at the server.
        prefetch: how many elements one read takes, to be handled one by one. 1 takes an element
            when the handler is ready for it. With more, a process that is killed loses those
            that it has taken and not handled yet; a `stop()` puts them back.
    """

    kind: ClassVar[str] = "list"

    list_name: str
    batch: bool = False
    max_records: int = 10
    polling_interval: float = 0.1
    prefetch: int = 1

    def __post_init__(self) -> None:
        _name("ListSub", self.list_name)
        _positive(self, "max_records", "polling_interval", "prefetch")

    @property
    def name(self) -> str:
        """Its name."""
        return self.list_name

    address = name


@dataclass(frozen=True)
class StreamSub:
    """A stream.

    Args:
        stream: its name.
        polling_interval: milliseconds that one read waits at the server, 100 by default.
        group: the consumer group; of a group one consumer gets each message. Needs `consumer`.
        consumer: the name of this consumer; each process must have its own.
        batch: handlers take a list of bodies.
        no_ack: (group) the server counts messages as done when it hands them out: at most once.
        last_id: where reading begins. Without a group: after this id; `$` (default) is the end.
            With one: `>` (default) reads what no consumer has got; an id reads first what this
            consumer has got after it and not acknowledged.
        maxlen: as a publisher: how many messages the stream keeps, approximately.
        max_records: the most that one read takes, and that a batch has. By default 100; of single
            messages of a group, as many as are handled in a tenth of a second.
        min_idle_time: (group) milliseconds; instead of new messages, read those that a consumer
            of the group got so long ago and has not acknowledged.
        declare: (group) make the stream if there is none.
        group_start: (group) where a group that has to be made begins: an id, `0` for the
            beginning of the stream, `$` for its end. By default `last_id` if that is an id, else
            `$`.
        resume: (group) at the start, first read what this consumer got and did not acknowledge
            before it was killed or stopped.
        recreate: (group) what to do when the group is gone while running. True makes it again
            behind the last message that was handled, so that none is lost; an id makes it there;
            False fails with `StreamGroupNotFoundError` until it is there again.
        claim_min_idle_time: (group) milliseconds; like `min_idle_time`, but besides new messages.
    """

    kind: ClassVar[str] = "stream"

    stream: str
    polling_interval: int | None = None
    group: str | None = None
    consumer: str | None = None
    batch: bool = False
    no_ack: bool = False
    last_id: str | None = None
    maxlen: int | None = None
    max_records: int | None = None
    min_idle_time: int | None = None
    declare: bool = True
    group_start: str | None = None
    resume: bool = True
    recreate: bool | str = True
    claim_min_idle_time: int | None = None

    def __post_init__(self) -> None:
        owner = f"StreamSub({_name('StreamSub', self.stream)!r})"
        _positive(
            self,
            "polling_interval",
            "maxlen",
            "max_records",
            "min_idle_time",
            "claim_min_idle_time",
        )
        if bool(self.group) != bool(self.consumer):
            raise SetupError(f"{owner}: give `group` and `consumer` both, or neither of them")
        if not self.group:
            for option in ("min_idle_time", "claim_min_idle_time", "group_start"):
                if getattr(self, option) is not None:
                    raise SetupError(f"{owner}: {option} needs a `group` and a `consumer`")
        if self.min_idle_time is not None and self.claim_min_idle_time is not None:
            raise SetupError(
                f"{owner}: give min_idle_time (claims only) or claim_min_idle_time (claims and new "
                "messages), not both"
            )
        self._check_ids(owner)
        self._set_defaults()

    def _set_defaults(self) -> None:
        """What is read says what is used."""
        if self.polling_interval is None:
            object.__setattr__(self, "polling_interval", DEFAULT_STREAM_POLL)
        if self.last_id is None:
            object.__setattr__(self, "last_id", ">" if self.group else "$")

    def _check_ids(self, owner: str) -> None:
        special = (">",) if self.group else ("$",)
        for option, words in (("last_id", special), ("group_start", ("$",))):
            _check_id(owner, option, getattr(self, option), words)
        if not isinstance(self.recreate, bool):
            _check_id(owner, "recreate", self.recreate, ("$",))

    @property
    def name(self) -> str:
        """Its name."""
        return self.stream

    address = name

    @property
    def first_id(self) -> str:
        """Where reading begins."""
        return str(self.last_id)

    @property
    def new_group_id(self) -> str:
        """Where a group that has to be made begins."""
        if self.group_start is not None:
            return self.group_start
        return "$" if self.first_id == ">" else self.first_id

    @property
    def poll_milliseconds(self) -> int:
        """How long one read waits at the server."""
        return int(self.polling_interval or 0)

    @property
    def settles(self) -> bool:
        """Whether its messages are acknowledged at all."""
        return self.group is not None and not self.no_ack


def _check_id(owner: str, option: str, value: Any, words: tuple[str, ...]) -> None:
    if value is None or value in words:
        return
    if not isinstance(value, str) or not _STREAM_ID.fullmatch(value):
        near = " or ".join(repr(word) for word in words)
        hint = f"give an id such as '0' or '1700000000000-0', or {near}"
        raise SetupError(f"{owner}: {option}={value!r} is no id of a stream; {hint}")


Source = PubSub | ListSub | StreamSub
_MAKERS: dict[str, Callable[[str], Any]] = {
    "channel": PubSub,
    "list": ListSub,
    "stream": StreamSub,
}
_CLASSES: dict[str, type[Any]] = {"channel": PubSub, "list": ListSub, "stream": StreamSub}


def make_source(owner: str, given: dict[str, Any]) -> PubSub | ListSub | StreamSub:
    """The one source that a declaration names.

    Args:
        owner: who declares it, for messages.
        given: what was given as `channel`, `list` and `stream`.

    Raises:
        SetupError: none or several were given.
        OptionError: it is neither a name nor the right schema.
    """
    named = {kind: value for kind, value in given.items() if value is not None and value != ""}
    if not named:
        raise SetupError(f"{owner}: You have to specify `channel`, `list` or `stream`")
    if len(named) > 1:
        both = " and ".join(f"`{kind}`" for kind in named)
        raise SetupError(f"{owner}: you can't use {both} together: give one of them")
    ((kind, value),) = named.items()
    wanted = _CLASSES[kind]
    if isinstance(value, wanted):
        return value  # type: ignore[no-any-return]
    if isinstance(value, str):
        return _MAKERS[kind](value)  # type: ignore[no-any-return]
    raise OptionError(f"{owner}: {kind}={value!r} is neither a str nor a {wanted.__name__}")


def option_names(schema: type[Any]) -> list[str]:
    """The options of a schema."""
    return [field.name for field in fields(schema)]
