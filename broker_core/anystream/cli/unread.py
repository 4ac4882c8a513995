"""Options of `anystream run` that reach nobody."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from anystream.cli.options import RUN


def unread_options(app: Any, extra: Iterable[str]) -> list[str]:
    """A line for each option that nobody takes, which is most likely misspelled.

    Args:
        app: the application; its lifespan and `on_startup` hooks take options by name, an ASGI
            application those of uvicorn, too.
        extra: the names of the options that the command itself does not know.
    """
    takers = [*getattr(app, "hooks", {}).get("on_startup", ()), getattr(app, "lifespan", None)]
    taken: set[str] = set()
    for function in filter(None, takers):
        params = inspect.signature(function).parameters
        if any(param.kind is param.VAR_KEYWORD for param in params.values()):
            return []
        taken.update(params)
    if hasattr(app, "open_listeners"):
        taken |= _of_the_server()
    return [_line(name, taken) for name in extra if name not in taken]


def _of_the_server() -> set[str]:
    try:
        import uvicorn
    except ImportError:  # which is said when it is needed
        return set()
    return {*inspect.signature(uvicorn.Config).parameters, "bind"}


def _line(name: str, taken: Iterable[str]) -> str:
    from difflib import get_close_matches

    known = {option.name for option in RUN}
    near = get_close_matches(name, [*known, *taken], n=1)
    hint = f": did you mean {_typed(near[0])}?" if near else ""
    return f"{_typed(name)} reaches nobody, no start hook and no lifespan asks for it{hint}"


def _typed(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"
