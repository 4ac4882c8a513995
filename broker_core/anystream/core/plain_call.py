"""The usual handler: a coroutine function whose parameters all come from the body.

FastDepends' model of a call answers more questions than such a function asks, and a service may
have a thousand of them. What the frozen binding needs is read off the function itself; the whole
model is made when something goes the long way.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Annotated, Any, ForwardRef, get_origin

from fast_depends.dependencies import Dependant, Provider
from fast_depends.library import CustomField
from fast_depends.library.serializer import OptionItem, SerializerProto
from typing_extensions import TypeAliasType

from anystream.core.casting import LazySerializer

_NOT_PLAIN = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_ASYNC_GENERATOR
_MARKERS = (Dependant, CustomField)
_UNCLEAR = (str, ForwardRef, TypeAliasType)


class PlainCall:
    """What is known of such a function, under the names that FastDepends' model has."""

    __slots__ = ("call", "dependency_provider", "params", "serializer")

    args_name = kwargs_name = None
    is_async, is_generator, use_cache = True, False, True
    dependencies: Mapping[str, Any] = {}
    custom_fields: Mapping[str, Any] = {}
    extra_dependencies: tuple[Any, ...] = ()

    def __init__(
        self,
        call: FunctionType,
        params: tuple[OptionItem, ...],
        serializer: LazySerializer | None,
        provider: Provider,
    ) -> None:
        self.call = call
        self.params = params
        self.serializer = serializer
        self.dependency_provider = provider


def plain_call(
    call: Any, provider: Provider, serializer: SerializerProto | None
) -> PlainCall | None:
    """Reads a function that has nothing but body parameters; None for any other callable."""
    if type(call) is not FunctionType or call.__dict__:
        return None
    code = call.__code__
    flags = code.co_flags
    if not flags & inspect.CO_COROUTINE or flags & _NOT_PLAIN or code.co_posonlyargcount:
        return None
    hints: Mapping[str, Any] = call.__annotations__
    if any(isinstance(hint, _UNCLEAR) or get_origin(hint) is Annotated for hint in hints.values()):
        return None
    params = _params(call, hints)
    if any(isinstance(param.default_value, _MARKERS) for param in params):
        return None
    made = None
    if serializer is not None:
        result = hints.get("return", inspect.Parameter.empty)
        made = LazySerializer(
            serializer, name=call.__name__, options=list(params), response_type=result
        )
    return PlainCall(call, params, made, provider)


def _params(call: FunctionType, hints: Mapping[str, Any]) -> tuple[OptionItem, ...]:
    code = call.__code__
    count = code.co_argcount
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    defaults = call.__defaults__ or ()
    given = dict(zip(names[count - len(defaults) : count], defaults, strict=True))
    given.update(call.__kwdefaults__ or {})
    either, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    return tuple(
        OptionItem(
            name,
            hints.get(name, Any),
            default_value=given.get(name, ...),
            kind=either if position < count else keyword,
        )
        for position, name in enumerate(names)
    )
