"""The context: values that handlers, hooks and dependencies ask for by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any

from anystream.core.exceptions import ContextError
from anystream.core.sentinel import EMPTY

if TYPE_CHECKING:
    from anystream.core.params import Context as Context

# What belongs to the message in hand rather than to the repository.
MESSAGE_KEYS = frozenset({"message", "log_context", "handler_", "broker"})


class Frame:
    """One link of the chain of local values; the innermost is in the ContextVar.

    Args:
        repo: the repository that it belongs to.
        key, value: the value and its name; links with several of them override the methods.
        outer: the next link.
    """

    __slots__ = ("key", "outer", "repo", "value")

    def __init__(self, repo: ContextRepo, key: str, value: Any, outer: Frame | None) -> None:
        self.repo = repo
        self.key = key
        self.value = value
        self.outer = outer

    def find(self, key: str) -> Any:
        """The value of a name, or `EMPTY`."""
        return self.value if key == self.key else EMPTY

    def names(self) -> tuple[str, ...]:
        """What it has values for."""
        return (self.key,)


# The link for a message in hand: repository, message, subscriber, outer link. A plain tuple,
# because one is made for each message, and nothing is made faster.
MessageFrame = tuple["ContextRepo", Any, Any, Any]
AnyFrame = Frame | MessageFrame
IN_HAND = ("message", "handler_", "broker", "logger", "log_context")


def owner_of(frame: AnyFrame) -> ContextRepo:
    """The repository that a link belongs to."""
    return frame[0] if isinstance(frame, tuple) else frame.repo


def outer_of(frame: AnyFrame) -> AnyFrame | None:
    """The link around a link."""
    return frame[3] if isinstance(frame, tuple) else frame.outer


def find_in(frame: AnyFrame, key: str) -> Any:
    """The value that a link has for a name, or `EMPTY`."""
    if not isinstance(frame, tuple):
        return frame.find(key)
    _, message, subscriber, _ = frame
    if key == "message":
        return message
    if key == "handler_":
        return subscriber
    if key == "broker":
        return subscriber.broker
    if key == "logger":
        return subscriber.broker.logger
    if key == "log_context":
        return subscriber.log_context(message)
    return EMPTY


current_frame: ContextVar[Any] = ContextVar("anystream_frame", default=None)


class ContextRepo:
    """Global values of a broker or an application, and local ones of the running task.

    Args:
        initial: global values to begin with.
    """

    def __init__(self, initial: Mapping[str, Any] | None = None, /) -> None:
        self._globals: dict[str, Any] = {"context": self, **(initial or {})}
        self._outer: tuple[ContextRepo, ...] = ()
        self._family: tuple[ContextRepo, ...] = (self,)
        self._inner: list[ContextRepo] = []

    def extend(self, outer: ContextRepo) -> None:
        """Looks names up in `outer`, too; this repository's own values win."""
        if outer is not self and outer not in self._outer and self not in outer.family():
            self._outer = (*self._outer, outer)
            outer._inner.append(self)
            self._gather()

    def _gather(self) -> None:
        found: list[ContextRepo] = [self]
        for outer in self._outer:
            found.extend(repo for repo in outer._family if repo not in found)
        self._family = tuple(found)
        for inner in self._inner:
            inner._gather()

    def family(self) -> tuple[ContextRepo, ...]:
        """This repository and those behind it, nearest first."""
        return self._family

    def has_global(self, key: str) -> bool:
        """Whether a name has a global value here or behind."""
        for repo in self._family:  # noqa: SIM110 - runs for every message
            if key in repo._globals:
                return True
        return False

    def find(self, key: str) -> Any:
        """The value of a name or `EMPTY`: message in hand, then globals, then locals."""
        if key in MESSAGE_KEYS:
            value = self._find_local(key)
            if value is not EMPTY:
                return value
        value = self._globals.get(key, EMPTY)
        if value is not EMPTY:
            return value
        if self._outer:
            for repo in self._family:
                value = repo._globals.get(key, EMPTY)
                if value is not EMPTY:
                    return value
        value = self._find_local(key)
        if value is EMPTY and key == "logger" and "broker" in self._globals:
            return self._globals["broker"].logger  # outside a message, such as in a request
        return value

    def _find_local(self, key: str) -> Any:
        frame: AnyFrame | None = current_frame.get()
        if frame is None:
            return EMPTY
        family = self._family
        while frame is not None:
            if owner_of(frame) in family:
                value = find_in(frame, key)
                if value is not EMPTY:
                    return value
            frame = outer_of(frame)
        return EMPTY

    def set_global(self, key: str, value: Any) -> None:
        """Sets a value for every task."""
        self._globals[key] = value

    def reset_global(self, key: str) -> None:
        """Forgets a global value; one that is not there is no error."""
        self._globals.pop(key, None)

    def set_local(self, key: str, value: Any) -> Any:
        """Sets a value for the running task; returns the token for `reset_local`."""
        frame = Frame(self, key, value, current_frame.get())
        current_frame.set(frame)
        return frame

    def reset_local(self, key: str, token: Any) -> None:
        """Takes back the `set_local` that returned the token."""
        current_frame.set(_without(current_frame.get(), token))

    def get_local(self, key: str, default: Any = None) -> Any:
        """The running task's value of a name."""
        value = self._find_local(key)
        return default if value is EMPTY else value

    @contextmanager
    def scope(self, key: str, value: Any) -> Iterator[None]:
        """Sets a local value for the length of a `with` block."""
        token = self.set_local(key, value)
        try:
            yield
        finally:
            self.reset_local(key, token)

    @contextmanager
    def scopes(self, pairs: Iterable[tuple[str, Any]]) -> Iterator[None]:
        """Sets several local values for the length of a `with` block."""
        tokens = [(key, self.set_local(key, value)) for key, value in pairs]
        try:
            yield
        finally:
            for key, token in reversed(tokens):
                self.reset_local(key, token)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name; a global one wins over a local one."""
        value = self.find(key)
        return default if value is EMPTY else value

    def resolve(self, argument: str) -> Any:
        """Follows a dotted name (`message.headers.user`): keys of mappings, else attributes.

        Raises:
            ContextError: the first part is not in the context.
            KeyError, AttributeError: a later part is not there.
        """
        first, *rest = argument.split(".")
        value = self.find(first)
        if value is EMPTY:
            raise ContextError(self.context, first)
        return walk(value, rest)

    @property
    def context(self) -> dict[str, Any]:
        """All values that are visible now."""
        found: dict[str, Any] = {}
        frame: AnyFrame | None = current_frame.get()
        family = self.family()
        while frame is not None:
            if owner_of(frame) in family:
                for key in IN_HAND if isinstance(frame, tuple) else frame.names():
                    found.setdefault(key, find_in(frame, key))
            frame = outer_of(frame)
        for repo in reversed(family):
            found.update(repo._globals)
        return found

    def clear(self) -> None:
        """Forgets every global value but the repository itself."""
        self._globals = {"context": self}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not EMPTY

    def __repr__(self) -> str:
        return f"ContextRepo({', '.join(sorted(self._globals))})"


def walk(value: Any, names: Iterable[str]) -> Any:
    """Goes from a value along names: keys of mappings, attributes of anything else."""
    for name in names:
        value = value[name] if isinstance(value, Mapping) else getattr(value, name)
    return value


def _without(frame: Any, unwanted: Any) -> Any:
    """The chain less one link; links above it are made anew, so other tasks keep theirs."""
    if frame is None:
        return None
    if frame is unwanted:
        return outer_of(frame)
    rest = _without(outer_of(frame), unwanted)
    if rest is outer_of(frame):
        return frame
    if isinstance(frame, tuple):
        return (*frame[:3], rest)
    twin = copy(frame)
    twin.outer = rest
    return twin


def __getattr__(name: str) -> Any:
    if name == "Context":  # the marker lives with its kin; users look for it here, too
        from anystream.core.params import Context

        return Context
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
