"""Arguments that look right and can never be filled from a message."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, get_args, get_origin

from fast_depends.library.serializer import OptionItem

from anystream.core.exceptions import SetupError
from anystream.core.message import StreamMessage
from anystream.core.params import ContextField
from anystream.core.places import where


@dataclass(frozen=True)
class UnderlyingDriverAnnotation:
    """Says which alias injects an object of a class.

    Args:
        type_hint: the alias itself, `Annotated[SomeClass, Context(...)]`.
        module: where it is imported from.
        name: its name there.
    """

    type_hint: Any
    module: str
    name: str

    def __str__(self) -> str:
        return f"from {self.module} import {self.name}"


Known = Mapping[Any, UnderlyingDriverAnnotation | str]

_BY_HAND: Known = {
    logging.Logger: "from anystream.core import Logger",
    StreamMessage: 'message: Any = Context("message"), or the message alias of the broker',
}


_aliases: dict[type, Known] = {}


def aliases_of(broker_class: type) -> Known:
    """The classes that a broker package's `annotations` module has aliases for."""
    if broker_class not in _aliases:
        _aliases[broker_class] = _look_up(broker_class)
    return _aliases[broker_class]


def _look_up(broker_class: type) -> Known:
    found: dict[Any, UnderlyingDriverAnnotation | str] = dict(_BY_HAND)
    packages = {kind.__module__.rpartition(".")[0] for kind in broker_class.__mro__}
    for package in packages:
        if not package.startswith("anystream."):
            continue
        try:
            module = import_module(f"{package}.annotations")
        except ModuleNotFoundError:
            continue
        for name, hint in vars(module).items():
            if get_origin(hint) is Annotated:
                kind, *metadata = get_args(hint)
                if any(isinstance(extra, ContextField) for extra in metadata):
                    found.setdefault(
                        kind, UnderlyingDriverAnnotation(hint, f"{package}.annotations", name)
                    )
    found.pop(Any, None)
    return found


def check_arguments(call: Callable[..., Any], params: Iterable[OptionItem], known: Known) -> None:
    """Refuses plain arguments of classes and with markers that no message can fill.

    Args:
        call: the handler, for the message.
        params: all that would be taken from the body.
        known: classes that have an alias.

    Raises:
        SetupError: there are some; it names the alias to import for each.
    """
    problems = [problem for param in params for problem in _problems(param, known)]
    if problems:
        raise SetupError(f"{where(call)}: {'; '.join(problems)}")


def _problems(param: OptionItem, known: Known) -> Iterator[str]:
    name, hint = param.field_name, param.field_type
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and kind in known:
            yield (
                f"`{name}: {kind.__name__}` is not part of a message, it is injected by an alias: "
                f"{known[kind]}"
            )
    markers = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    for marker in (param.default_value, *markers):
        kind = type(marker)
        if kind.__module__ == "fastapi.params":
            yield (
                f"`{name}` has FastAPI's {kind.__name__}, which only FastAPI understands: import "
                "Depends, Header, Path or Context from anystream.core"
            )
