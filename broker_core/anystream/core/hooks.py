"""Calling start-up and shutdown hooks with injected arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from anyio import to_thread
from pydantic import ValidationError

from anystream.core.exceptions import StartupValidationError

Inject = Callable[[Callable[..., Any]], Callable[..., Any]]


def _wanted(func: Callable[..., Any], extra: dict[str, Any]) -> dict[str, Any]:
    """The options that a function asks for; unknown ones are dropped."""
    params = inspect.signature(func).parameters
    if any(param.kind is param.VAR_KEYWORD for param in params.values()):
        return extra
    return {name: value for name, value in extra.items() if name in params}


async def call_hook(inject: Inject, hook: Callable[..., Any], extra: dict[str, Any]) -> Any:
    """Calls one hook; a plain function runs in a thread."""
    wanted = _wanted(hook, extra)
    injected = inject(hook)
    call = hook if inspect.iscoroutinefunction(hook) else getattr(hook, "__call__", hook)  # noqa: B004
    if inspect.iscoroutinefunction(call):
        return await injected(**wanted)
    result = await to_thread.run_sync(lambda: injected(**wanted))
    return await result if inspect.isawaitable(result) else result


async def enter_lifespan(
    inject: Inject, lifespan: Callable[..., Any], extra: dict[str, Any]
) -> Any:
    """Calls a lifespan function; returns its async context manager."""
    function = inspect.unwrap(lifespan)
    wanted = _wanted(function, extra)
    arguments: dict[str, Any] = {}

    # the generator function itself stays as it is: FastDepends only works its arguments out
    async def collect(**kwargs: Any) -> None:
        arguments.update(kwargs)

    collect.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    collect.__annotations__ = dict(getattr(function, "__annotations__", {}))
    collect.__annotations__.pop("return", None)
    signature = inspect.signature(function)
    collect.__signature__ = signature.replace(return_annotation=inspect.Signature.empty)  # type: ignore[attr-defined]
    collect.__wrapped__ = function  # type: ignore[attr-defined]
    await inject(collect)(**wanted)
    return lifespan(**arguments)


def refused_options(
    error: ValidationError, function: Callable[..., Any]
) -> StartupValidationError | None:
    """The error for options that a function refuses; None if it is the function's own error."""
    known = inspect.signature(function).parameters
    found = [(str(e["loc"][0]) if e["loc"] else "", e["type"]) for e in error.errors()]
    if not all(name in known for name, _ in found):
        return None
    return StartupValidationError(
        [name for name, kind in found if kind == "missing"],
        [name for name, kind in found if kind != "missing"],
    )
