"""What handlers take and publishers send, as schemas."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fast_depends import Provider
from fast_depends.library.serializer import OptionItem
from fast_depends.utils import get_typed_signature

from anystream.core.binding import body_params
from anystream.core.places import where
from anystream.core.response import Response
from anystream.specification.model import Described, Payload
from anystream.specification.parameters import Parameter, describe_parameter
from anystream.specification.schemas import Schemas

if TYPE_CHECKING:
    from anystream.core.handler import HandlerItem
    from anystream.core.subscriber import Subscriber

EMPTY_PAYLOAD = "EmptyPayload"
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def handler_payload(
    subscriber: Subscriber, item: HandlerItem, schemas: Schemas, name: str
) -> Payload:
    """What one handler takes.

    Args:
        subscriber: whose handler it is.
        item: the handler.
        schemas: makes schemas.
        name: for a schema that has no name of its own.

    Warns:
        RuntimeWarning: some of it cannot be described and is left open.
    """
    call = item.call._original_call
    try:
        params = _params(subscriber, item)
    except Exception as error:
        warn_unknown(where(call), f"{type(error).__name__}: {error}")
        return Payload(name, Described({"title": name}))
    if not params:
        return Payload(EMPTY_PAYLOAD, Described({"title": EMPTY_PAYLOAD, "type": "null"}))
    single = len(params) == 1
    plain = [
        describe_parameter(param, schemas, batch=single and subscriber.batch)
        for param in params
        if param.kind not in VARIADIC
    ]
    problems = [f"`{it.name}`: {it.described.problem}" for it in plain if it.described.problem]
    if problems:
        warn_unknown(where(call), "; ".join(problems))
    if single:
        return named(plain[0].described, name) if plain else named(Described({}), name)
    return _object(plain, name)


def sent_payload(
    annotation: Any, schemas: Schemas, name: str, sender: Callable[..., Any] | None = None
) -> Payload:
    """What a publisher sends.

    Args:
        annotation: the declared schema, or what a handler returns; `Any` when it is not known.
        schemas: makes schemas.
        name: for a schema that has no name of its own.
        sender: the handler that returns it, for the warning.

    Warns:
        RuntimeWarning: some of it cannot be described and is left open.
    """
    if annotation is Any or annotation is None:
        return Payload(name, Described({}))
    described = schemas.make(annotation)
    if described.problem:
        who = f"what {where(sender)} returns" if sender else f"the payload {name!r}"
        warn_unknown(who, described.problem)
    return named(described, name)


def returned(call: Callable[..., Any]) -> Any:
    """What a function is annotated to return; `Any` where that does not tell the body."""
    try:
        annotation = inspect.signature(call).return_annotation
        if isinstance(annotation, str):
            annotation = get_typed_signature(call)[1]
    except Exception as error:
        warn_unknown(where(call), f"{type(error).__name__}: {error}")
        return Any
    if annotation is inspect.Signature.empty:
        return Any
    if annotation is type(None):
        return None
    if isinstance(annotation, type) and issubclass(annotation, Response):
        return Any
    return annotation


def named(described: Described, name: str) -> Payload:
    """A payload that is a model by itself, or gets the schema's title or the name for a name."""
    if described.model is not None:
        return Payload(described.model, described)
    name = str(described.schema.get("title") or name)
    schema = {"title": name, **described.schema}
    return Payload(name, replace(described, schema=schema))


def warn_unknown(who: str, why: str) -> None:
    """Says that something is described as unknown."""
    warnings.warn(
        f"{who} is not fully described in the AsyncAPI document: {why}. The unknown part is an "
        "open schema there; give it a type that has a JSON schema",
        RuntimeWarning,
        stacklevel=2,
    )


def _params(subscriber: Subscriber, item: HandlerItem) -> list[OptionItem]:
    broker = subscriber.broker
    described: Any = getattr(broker.binder, "body_params", None)
    if described is not None:
        return list(described(subscriber, item))
    return body_params(
        item.call._original_call,
        provider=Provider(),  # the broker's own belongs to its running pipelines
        serializer=broker.serializer,
        dependencies=(*subscriber.merged.dependencies, *item.dependencies),
        inject=broker.apply_types,
    )


def _object(parameters: Sequence[Parameter], name: str) -> Payload:
    schema: dict[str, Any] = {"title": name, "type": "object", "properties": {}}
    required = [parameter.name for parameter in parameters if parameter.required]
    if required:
        schema["required"] = required
    properties = {parameter.name: parameter.titled() for parameter in parameters}
    return Payload(name, Described(schema), properties)
