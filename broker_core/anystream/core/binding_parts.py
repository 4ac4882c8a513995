"""The pieces that a compiled binding calls: unpacking, looking up, recovering, threads."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fast_depends.core import CallModel

from anystream.core.context import ContextRepo, current_frame
from anystream.core.params import ContextField
from anystream.core.plain_call import PlainCall
from anystream.core.sentinel import EMPTY

MISSING: Any = object()


def make_unpack(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    size = len(names)

    def unpack(body: Any) -> tuple[Any, ...]:
        if isinstance(body, Mapping):
            return tuple(body.get(name, MISSING) for name in names)
        if isinstance(body, Sequence):
            return (*body[:size], *([MISSING] * (size - len(body))))
        raise ValueError(f"Couldn't unpack `{body}` to multiple values.")

    return unpack


def make_look(field: ContextField) -> Callable[[ContextRepo], Any]:
    first, *rest = field.parts
    if field.parts == ["logger"]:
        return look_for_logger

    if rest:
        return field.resolve

    def look(repo: ContextRepo) -> Any:
        value = repo.find(first)
        return field.fallback(repo) if value is EMPTY else value

    return look


def look_for_logger(repo: ContextRepo) -> Any:
    """What `repo.find("logger")` finds, without the detours when it is the broker's own."""
    frame = current_frame.get()
    if type(frame) is tuple and frame[0] is repo and not repo.has_global("logger"):
        return frame[2].broker.logger
    return repo.find("logger")


def recover(
    model: CallModel | PlainCall, names: Sequence[str], values: Sequence[Any]
) -> tuple[Any, ...]:
    """Validates the arguments as FastDepends would, for its error or its result."""
    given = {
        name: value
        for name, value in zip(names, values, strict=True)
        if value is not MISSING and value is not EMPTY
    }
    if model.serializer is None:
        bound = inspect.signature(model.call).bind(**given)
        bound.apply_defaults()
        for name in names:
            if isinstance(bound.arguments[name], ContextField):
                raise TypeError(f"missing a required argument: {name!r}")
        return tuple(bound.arguments[name] for name in names)
    try:
        cast = model.serializer(given)
    except Exception as error:
        raise error from None
    return tuple(cast[name] for name in names)


@asynccontextmanager
async def threaded(manager: Any) -> AsyncIterator[Any]:
    """Enters and leaves a plain context manager in a thread."""
    value = await to_thread.run_sync(manager.__enter__)
    try:
        yield value
    except BaseException as error:
        exc = error
        if not await to_thread.run_sync(
            lambda: manager.__exit__(type(exc), exc, exc.__traceback__)
        ):
            raise
    else:
        await to_thread.run_sync(lambda: manager.__exit__(None, None, None))
