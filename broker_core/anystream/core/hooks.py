"""Calling start-up and shutdown hooks with injected arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from anyio import to_thread
from pydantic import ValidationError

from anystream.core.exceptions import StartupValidationError

Inject = Callable[[Callable[..., Any]], Callable[..., Any]]


def _takes_any(func: Callable[..., Any]) -> bool:
    params = inspect.signature(func).parameters.values()
    return any(param.kind is param.VAR_KEYWORD for param in params)


def _wanted(func: Callable[..., Any], extra: dict[str, Any]) -> dict[str, Any]:
    """The options that a function asks for by name; others are dropped."""
    params = inspect.signature(func).parameters
    return {name: value for name, value in extra.items() if name in params}


async def call_hook(inject: Inject, hook: Callable[..., Any], extra: dict[str, Any]) -> Any:
    """Calls one hook; a plain function runs in a thread."""
    if _takes_any(hook):
        injected, wanted = hook, await _arguments(inject, hook, extra)
    else:
        injected, wanted = inject(hook), _wanted(hook, extra)
    call = hook if inspect.iscoroutinefunction(hook) else getattr(hook, "__call__", hook)  # noqa: B004
    if inspect.iscoroutinefunction(call):
        return await injected(**wanted)
    result = await to_thread.run_sync(lambda: injected(**wanted))
    return await result if inspect.isawaitable(result) else result


async def enter_lifespan(
    inject: Inject, lifespan: Callable[..., Any], extra: dict[str, Any]
) -> Any:
    """Calls a lifespan function; returns its async context manager."""
    return lifespan(**await _arguments(inject, inspect.unwrap(lifespan), extra))


async def _arguments(
    inject: Inject, function: Callable[..., Any], extra: dict[str, Any]
) -> dict[str, Any]:
    """What a function is called with, without calling it; with `**kwargs` all options."""
    found: dict[str, Any] = {}

    # the function itself stays as it is: FastDepends only works its arguments out
    async def collect(**kwargs: Any) -> None:
        found.update(kwargs)

    signature = inspect.signature(function)
    named = [
        param for param in signature.parameters.values() if param.kind is not param.VAR_KEYWORD
    ]
    hints = dict(getattr(function, "__annotations__", {}))
    collect.__annotations__ = {
        param.name: hints[param.name] for param in named if param.name in hints
    }
    collect.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=named, return_annotation=inspect.Signature.empty
    )
    collect.__wrapped__ = function  # type: ignore[attr-defined]
    wanted = _wanted(collect, extra)
    await inject(collect)(**wanted)
    if _takes_any(function):
        found.update((name, extra[name]) for name in extra if name not in wanted)
    return found


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
