"""All that is used of FastAPI beyond what its documentation promises, in this file alone.

| name | why |
|---|---|
| `get_dependant`, `get_parameterless_sub_dependant`, `Dependant` | FastAPI's own reading of a
  signature: what is a query, a body, a dependency. It has no documented way to ask for it |
| `solve_dependencies` | what our own straight form does not cover is left to FastAPI |
| `ModelField.validate` | the same conversions and errors as in an HTTP endpoint |
| `APIRouter._contains_router` | FastAPI from 0.137 on asks it while it includes a router: the only
  moment at which a router hears of its application before the start. Before, it hears of it by a
  route of a class of its own, which FastAPI makes anew for the including router |

They are read once, when a subscriber is frozen. The rest of the package sees only the classes of
this file. A test runs all of it on the oldest supported FastAPI and on the latest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from fastapi import APIRouter, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import (
    get_dependant,
    get_parameterless_sub_dependant,
    solve_dependencies,
)
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import Match

ORIGINAL = "__anystream_original__"
"""Attribute of a function that stands in for another one while its signature is read."""

_PLURAL = (list, tuple, set, frozenset, deque, Sequence, AbstractSet)


@dataclass
class Field:
    """A parameter that is read from the message.

    Args:
        name: of the parameter.
        source: "path", "query", "header", "cookie" or "body".
        alias: the key under which it is looked up.
        annotation: its type.
        info: FastAPI's marker with everything that was said of it.
        validate: FastAPI's own conversion: `(value, values, loc=...) -> (value, errors)`.
    """

    name: str
    source: str
    alias: str
    annotation: Any
    info: Any
    validate: Callable[..., tuple[Any, Any]]

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return bool(self.info.is_required())

    def default(self) -> Any:
        """The default value."""
        return self.info.get_default(call_default_factory=True)


@dataclass
class Call:
    """A handler or a dependency with all that leads to its arguments.

    Args:
        name: the parameter of the caller that takes its result; None drops the result.
        call: the function.
        use_cache: whether one result serves everybody who asks for it.
        fields: parameters from the message.
        calls: its dependencies.
        specials: parameters for the request, the response, background tasks, by kind.
        reason: why only FastAPI's solver understands it; None when it is plain.
    """

    name: str | None
    call: Callable[..., Any]
    use_cache: bool
    fields: list[Field]
    calls: list[Call]
    specials: dict[str, str]
    reason: str | None
    dependant: Dependant = field(repr=False)

    def walk(self) -> Iterator[Call]:
        """This call and all below."""
        yield self
        for call in self.calls:
            yield from call.walk()

    @property
    def body_fields(self) -> list[Field]:
        """The body parameters of this call and all below."""
        return [it for call in self.walk() for it in call.fields if it.source == "body"]

    @property
    def embeds(self) -> bool:
        """Whether body parameters are keys of the body rather than the body itself."""
        fields = self.body_fields
        if len({it.name for it in fields}) > 1:
            return True
        return bool(fields) and bool(getattr(fields[0].info, "embed", None))


def read_call(call: Callable[..., Any], dependencies: Sequence[params.Depends]) -> Call:
    """Asks FastAPI how it understands a handler.

    Args:
        call: the handler.
        dependencies: run before it, in this order; their results are dropped.
    """
    root = get_dependant(path="", call=call)
    extra = [get_parameterless_sub_dependant(depends=it, path="") for it in dependencies]
    root.dependencies[0:0] = extra
    return _read(root)


def _read(dependant: Dependant) -> Call:
    dependant.call = original = getattr(dependant.call, ORIGINAL, dependant.call)
    if original is None:
        raise TypeError("a dependency without a function")
    fields = [
        _field(it, source)
        for source in ("path", "query", "header", "cookie", "body")
        for it in getattr(dependant, f"{source}_params")
    ]
    specials = {
        kind: getattr(dependant, f"{kind}_param_name")
        for kind in ("request", "http_connection", "response", "background_tasks")
        if getattr(dependant, f"{kind}_param_name")
    }
    return Call(
        name=dependant.name,
        call=original,
        use_cache=dependant.use_cache,
        fields=fields,
        calls=[_read(it) for it in dependant.dependencies],
        specials=specials,
        reason=_reason(dependant, fields),
        dependant=dependant,
    )


def _field(model_field: Any, source: str) -> Field:
    info = model_field.field_info
    return Field(
        name=model_field.name,
        source=source,
        alias=model_field.alias,
        annotation=info.annotation,
        info=info,
        validate=model_field.validate,
    )


def _reason(dependant: Dependant, fields: Sequence[Field]) -> str | None:
    for name in ("security_scopes_param_name", "websocket_param_name", "concurrency"):
        if getattr(dependant, name, None):
            return name.removesuffix("_param_name").replace("_", " ")
    for name in ("own_oauth_scopes", "security_scopes"):
        if getattr(dependant, name, None):
            return "scopes of Security"
    if getattr(dependant, "scope", None) == "function":
        return "a dependency of scope 'function'"
    for it in fields:
        if it.source == "cookie" or isinstance(it.info, params.Form):
            return f"`{it.name}` is a {type(it.info).__name__}"
        if it.info.validate_default or it.info.validation_alias not in (None, it.alias):
            return f"`{it.name}` has an alias or a default of its own kind"
        if it.source != "body" and any(map(_is_compound, _types(it.annotation))):
            return f"`{it.name}` takes several values"
    return None


def _types(annotation: Any) -> Iterator[Any]:
    yield get_origin(annotation) or annotation
    for inner in get_args(annotation):
        yield from _types(inner)


def _is_compound(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, (*_PLURAL, BaseModel))
        and not issubclass(kind, (str, bytes))
    )


async def solve(
    call: Call, request: Any, body: Any, stack: AsyncExitStack
) -> tuple[dict[str, Any], Any]:
    """Lets FastAPI find the arguments.

    Args:
        call: the handler.
        request: the message as a request.
        body: its body.
        stack: where dependencies that `yield` are left.

    Returns:
        The arguments, and the background tasks or None.

    Raises:
        RequestValidationError: the message does not fit.
    """
    # newer FastAPI takes the stacks from here, older ones take the argument
    for name in ("fastapi_inner_astack", "fastapi_function_astack", "fastapi_astack"):
        request.scope[name] = stack
    solved = await solve_dependencies(
        request=request,
        dependant=call.dependant,
        body=body,
        async_exit_stack=stack,
        embed_body_fields=call.embeds,
    )
    if solved.errors:
        raise RequestValidationError(solved.errors, body=body)
    return solved.values, solved.background_tasks


def when_included(router: APIRouter, told: Callable[[APIRouter], None]) -> None:
    """Calls `told` with each router that includes a router, or one that this is included in.

    Args:
        router: the router that is included.
        told: gets the including router, before it merges lifespans.
    """
    asked = getattr(router, "_contains_router", None)
    if asked is None:
        _add_witness(router, told)
        return

    def contains_router(other: APIRouter, *args: Any) -> bool:
        told(other)
        return bool(asked(other, *args))

    setattr(router, "_contains_router", contains_router)  # noqa: B010


def _add_witness(router: APIRouter, told: Callable[[APIRouter], None]) -> None:
    """FastAPI before 0.137 makes every route anew, of its own class, in the including router."""

    class Witness(APIRoute):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            host = getattr(options.get("dependency_overrides_provider"), "router", None)
            if isinstance(host, APIRouter) and added:
                told(host)

        def matches(self, scope: Any) -> tuple[Match, dict[str, Any]]:
            return Match.NONE, {}

    async def nothing() -> None: ...

    added = False
    router.add_api_route(
        "/",
        nothing,
        include_in_schema=False,
        operation_id=Witness.__qualname__,  # the user's functions for ids are not asked
        route_class_override=Witness,
    )
    added = True
