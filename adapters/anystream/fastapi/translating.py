"""Markers of anystream's own in signatures that FastAPI is to read.

`Context`, `Header`, `Path` and `Depends` of `anystream.core`, and the annotations of the broker
packages, mean the same thing in a StreamRouter, so that a plain router works there as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Annotated, Any, get_args, get_origin

from fast_depends.dependencies import Dependant
from fastapi import Depends, params

from anystream.core.exceptions import SetupError
from anystream.core.params import ContextField, NoCastField
from anystream.core.places import where
from anystream.fastapi.context import FromContext
from anystream.fastapi.framework import ORIGINAL

Overrides = Mapping[Any, Any]
_ANNOTATED: Any = Annotated


class Translator:
    """Makes of a function one that FastAPI understands, and puts overrides in their places.

    Args:
        overrides: the application's `dependency_overrides`.
    """

    def __init__(self, overrides: Overrides) -> None:
        self._overrides = overrides
        self._done: dict[int, tuple[Any, Any]] = {}

    def call(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself if nothing is to be changed, else a stand-in for it."""
        known = self._done.get(id(call))
        if known is not None:
            return known[1]  # type: ignore[no-any-return]
        self._done[id(call)] = (call, call)  # a loop of dependencies is FastAPI's to refuse
        try:
            signature = inspect.signature(call)
        except (TypeError, ValueError):
            return call
        found = [self._parameter(it) for it in signature.parameters.values()]
        if all(new is old for new, old in zip(found, signature.parameters.values(), strict=True)):
            return call
        twin = _stand_in(call, signature.replace(parameters=_in_order(found)))
        self._done[id(call)] = (call, twin)
        return twin

    def dependencies(self, items: Iterable[Any], owner: Any) -> list[params.Depends]:
        """Dependencies whose results nobody takes.

        Raises:
            SetupError: one of them is no dependency.
        """
        return [self._depends(it, Any) for it in as_depends(items, owner)]

    def _parameter(self, parameter: inspect.Parameter) -> inspect.Parameter:
        hint, default = parameter.annotation, parameter.default
        new_default = self._marker(default, parameter.name, _bare(hint))
        new_hint = hint
        if get_origin(hint) is Annotated:
            new_hint = self._annotated(hint, parameter.name)
        if new_hint is hint and new_default is default:
            return parameter
        if isinstance(new_default, params.Depends) and get_origin(new_hint) is Annotated:
            new_hint = _bare(new_hint)
        return parameter.replace(annotation=new_hint, default=new_default)

    def _annotated(self, hint: Any, name: str) -> Any:
        bare, *markers = get_args(hint)
        kept = markers
        if any(isinstance(it, params.Depends) for it in markers):
            # for both kinds of applications: here FastAPI's counts
            kept = [it for it in markers if not isinstance(it, (Dependant, ContextField))]
        new = [self._marker(it, name, bare) for it in kept]
        if len(new) == len(markers) and all(a is b for a, b in zip(new, markers, strict=True)):
            return hint
        parts = (bare, *new)
        return _ANNOTATED[parts]

    def _marker(self, marker: Any, name: str, hint: Any) -> Any:
        if isinstance(marker, ContextField):
            field = ContextField(
                marker.name or name,
                prefix=marker.prefix,
                cast=marker.cast,
                default=marker.default,
                initial=marker.initial,
            )
            checked = Any if hint is inspect.Parameter.empty else hint
            return Depends(FromContext(field, checked), use_cache=False)
        if isinstance(marker, Dependant):
            made = Depends(marker.dependency, use_cache=marker.use_cache)
            return self._depends(made, hint)
        if isinstance(marker, params.Depends):
            return self._depends(marker, hint)
        return marker

    def _depends(self, marker: params.Depends, hint: Any) -> params.Depends:
        wanted = marker.dependency
        if wanted is None:  # `Depends()`: the class in the annotation
            wanted = hint
        if not callable(wanted):
            return marker
        call = self.call(self._overrides.get(wanted, wanted))
        if call is wanted:
            return marker
        twin = copy(marker)
        object.__setattr__(twin, "dependency", call)  # frozen in newer FastAPI
        return twin


def as_depends(items: Iterable[Any], owner: Any) -> list[params.Depends]:
    """Dependencies of either library as FastAPI's.

    Args:
        items: what was given as `dependencies`.
        owner: to whom, for the message.

    Raises:
        SetupError: one of them is no dependency.
    """
    found = []
    for item in items:
        if isinstance(item, Dependant):
            found.append(Depends(item.dependency, use_cache=item.use_cache))
        elif isinstance(item, params.Depends):
            found.append(item)
        else:
            raise SetupError(
                f"{owner!r}: dependencies=[{item!r}] is no dependency: "
                "pass `Depends(function)` of fastapi"
            )
    return found


def check_endpoint(call: Callable[..., Any]) -> None:
    """Refuses markers in an HTTP endpoint that belong into handlers of messages.

    Args:
        call: the endpoint.

    Raises:
        SetupError: there is one; it says what to take instead.
    """
    for name, parameter in _signature(call).parameters.items():
        markers = (parameter.default, *get_args(parameter.annotation)[1:])
        fastapi = [it.dependency for it in markers if isinstance(it, params.Depends)]
        wrong = [it for it in markers if isinstance(it, (Dependant, ContextField))]
        if any(isinstance(it, FromContext) for it in fastapi):
            kind = "Context"
        elif wrong and not fastapi:
            kind = _kind_of(wrong[0])
        else:
            continue
        advice = "take `router.broker`, or what `request.state` has"
        if kind != "Context":
            advice = f"import {kind} from fastapi"
        raise SetupError(
            f"{where(call)}: `{name}` has the {kind} of message handlers, in an HTTP endpoint: "
            f"{advice}"
        )


def _signature(call: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(call, eval_str=True)
    except Exception:  # names that only type checkers know: FastAPI is to say so
        return inspect.signature(call)


def _kind_of(marker: Any) -> str:
    if isinstance(marker, Dependant):
        return "Depends"
    return {"message.headers": "Header", "message.path": "Path"}.get(marker.prefix, "Context")


def own_parameters(call: Callable[..., Any]) -> list[str]:
    """The parameters that are no dependencies.

    Args:
        call: a translated function.
    """
    found = []
    for name, parameter in inspect.signature(call).parameters.items():
        markers = (parameter.default, *get_args(parameter.annotation)[1:])
        if not any(isinstance(it, params.Depends) for it in markers):
            found.append(name)
    return found


def check_markers(call: Callable[..., Any]) -> None:
    """Refuses markers that FastAPI has no meaning for.

    Raises:
        SetupError: there is one.
    """
    for name, parameter in inspect.signature(call).parameters.items():
        if any(isinstance(it, NoCastField) for it in get_args(parameter.annotation)[1:]):
            raise SetupError(
                f"{where(call)}: `{name}: NoCast[...]` has no meaning in a StreamRouter: FastAPI "
                "validates every argument. Annotate it with `Any`"
            )


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _in_order(parameters: Iterable[inspect.Parameter]) -> list[inspect.Parameter]:
    # a default may be gone or new: FastAPI passes keywords only, so the kind does not matter
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        it if it.kind in (it.VAR_POSITIONAL, it.VAR_KEYWORD) else it.replace(kind=keyword)
        for it in sorted(parameters, key=lambda it: it.kind is it.VAR_KEYWORD)
    ]


def _stand_in(call: Callable[..., Any], signature: inspect.Signature) -> Callable[..., Any]:
    def stand_in(**arguments: Any) -> Any:
        return call(**arguments)

    setattr(stand_in, ORIGINAL, call)
    stand_in.__signature__ = signature  # type: ignore[attr-defined]
    stand_in.__name__ = getattr(call, "__name__", type(call).__name__)
    return stand_in
