"""Parameters of handlers, as properties of what they take."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args, get_origin

from fast_depends.library.serializer import OptionItem
from pydantic import create_model
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from anystream.core.casting import has_alias
from anystream.specification.model import Described, Schema
from anystream.specification.schemas import Schemas


@dataclass
class Parameter:
    """One parameter.

    Args:
        name: its name in the body.
        described: its schema.
        required: whether the body must have it.
    """

    name: str
    described: Described
    required: bool

    def titled(self) -> Described:
        """The schema with a title, as the properties of models have one."""
        schema = self.described.schema
        if "title" in schema or "$ref" in schema:
            return self.described
        title = self.name.replace("_", " ").strip().title()
        return replace(self.described, schema={"title": title, **schema})


def describe_parameter(param: OptionItem, schemas: Schemas, *, batch: bool) -> Parameter:
    """Describes one parameter.

    Args:
        param: the parameter.
        schemas: makes schemas.
        batch: it takes all bodies of a batch, and the schema is that of one of them.
    """
    annotation = _one_of(param.field_type) if batch else param.field_type
    default = param.default_value
    if isinstance(default, FieldInfo) or has_alias(param):
        return _with_field(param.field_name, annotation, default, schemas)
    untyped = annotation is Any or annotation is inspect.Parameter.empty
    described = Described({}) if untyped else schemas.make(annotation)
    if default is ... or described.model is not None:
        return Parameter(param.field_name, described, default is ...)
    schema = {**described.schema, **_default(default)}
    return Parameter(param.field_name, replace(described, schema=schema), False)


def _with_field(name: str, annotation: Any, default: Any, schemas: Schemas) -> Parameter:
    """A parameter with a field definition: aliases, constraints, texts."""
    if not isinstance(default, FieldInfo) and type(default).__module__ == "msgspec._core":
        import msgspec

        optional = (default.default, default.default_factory) != (msgspec.NODEFAULT,) * 2
        return Parameter(default.name or name, schemas.make(annotation), not optional)
    try:
        model: Any = create_model("_Field", **{name: (annotation, default)})  # type: ignore[call-overload]
    except Exception as error:
        return Parameter(name, Described({}, problem=f"{type(error).__name__}: {error}"), True)
    made = schemas.make(model)
    if made.model is None:
        return Parameter(name, Described({}, problem=made.problem), True)
    definitions = dict(made.definitions)
    whole = definitions.pop(made.model)
    ((alias, schema),) = whole["properties"].items()
    untitled = _without_made_up_title(schema, alias)
    return Parameter(
        alias, Described(untitled, definitions, made.full_names, made.problem), "required" in whole
    )


def _without_made_up_title(schema: Schema, name: str) -> Schema:
    if schema.get("title") != name.replace("_", " ").strip().title():
        return schema
    return {key: value for key, value in schema.items() if key != "title"}


def _default(value: Any) -> Schema:
    """The `default` of a schema; none where the value has no JSON form."""
    try:
        return {"default": to_jsonable_python(value)}
    except Exception:
        return {}


def _one_of(annotation: Any) -> Any:
    """The type of one element of a list or sequence."""
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Sequence) and origin is not tuple:
        return get_args(annotation)[0]
    return Any if annotation is list else annotation
