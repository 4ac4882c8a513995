"""Annotations that are text (`from __future__ import annotations`) become what they name.

A handler is bound long after it was declared, from another task: by then the names local to the
function around it are gone. So they are looked up when it is declared, in the frames that still
are on the stack, and everything else when it is bound, in the module of each function.
"""

from __future__ import annotations

import builtins
import inspect
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from types import CodeType, FrameType
from typing import Any, get_args


def settle_names(call: Callable[..., Any]) -> None:
    """Evaluates the text annotations of a function and of all its dependencies, in place.

    What cannot be evaluated yet stays as it is, to be tried again later.

    Args:
        call: a handler, a hook, a dependency.
    """
    _settle(call, set())


def _settle(call: Any, seen: set[int]) -> None:
    if id(call) in seen:
        return
    seen.add(id(call))
    function = _function(call)
    annotations = getattr(function, "__annotations__", None)
    if isinstance(annotations, dict):
        for name, text in list(annotations.items()):
            if isinstance(text, str):
                annotations[name] = _evaluate(text, function)
    for dependency in _dependencies(function, annotations):
        _settle(dependency, seen)


def _function(call: Any) -> Any:
    call = inspect.unwrap(call)
    if inspect.isclass(call):
        return call.__dict__.get("__init__")
    if hasattr(call, "__code__"):
        return call
    function = getattr(call, "func", None) or getattr(type(call), "__call__", None)  # noqa: B004
    return inspect.unwrap(getattr(function, "__func__", function)) if function else call


def _evaluate(text: str, function: Any) -> Any:
    try:
        code = compile(text, "<annotation>", "eval")
        module = getattr(function, "__globals__", {})
        return eval(code, module, dict(_local_names(code, function)))
    except Exception:  # a name that does not exist yet, or no Python: told at the freeze
        return text


def _local_names(code: CodeType, function: Any) -> Iterator[tuple[str, Any]]:
    """The names of an annotation that functions around the declaration know."""
    if "<locals>" not in getattr(function, "__qualname__", ""):
        return
    cells = inspect.getclosurevars(function).nonlocals
    for name in set(code.co_names) - set(dir(builtins)):
        if name in cells:
            yield name, cells[name]
            continue
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_globals is function.__globals__ and name in frame.f_locals:
                yield name, frame.f_locals[name]
                break
            frame = frame.f_back


def _dependencies(function: Any, annotations: Any) -> Iterator[Any]:
    from fast_depends.dependencies import Dependant

    defaults = getattr(function, "__defaults__", None) or ()
    keywords = getattr(function, "__kwdefaults__", None) or {}
    metadata = [get_args(hint)[1:] for hint in (annotations or {}).values()]
    for marker in (*defaults, *keywords.values(), *chain.from_iterable(metadata)):
        if isinstance(marker, Dependant):
            yield marker.dependency
