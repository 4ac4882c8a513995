"""Models that are read from the bytes of a JSON body in one step.

The rule is "parse the body, validate the value". pydantic can do both at once, in less time, but
not with the same result for every type: a strict model, a union, a decimal may tell JSON from
Python values. So only models made of types that cannot are read like this, and only a success
counts: whatever fails goes the long way, for its error or its result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fast_depends.pydantic import PydanticSerializer
from pydantic import BaseModel

from anystream.core.casting import LazySerializer, has_alias

if TYPE_CHECKING:
    from anystream.core.plain_call import PlainCall

_SAME = frozenset(("any", "bool", "float", "int", "none", "str"))
_WRAPPED = {"default": "schema", "list": "items_schema", "model": "schema", "nullable": "schema"}


def json_reader(call: PlainCall) -> Callable[[bytes], Any] | None:
    """What makes the one argument of a call from a JSON body; None where only the long way is
    right.

    Args:
        call: all of its parameters come from the body.
    """
    serializer = call.serializer
    if len(call.params) != 1 or not isinstance(serializer, LazySerializer):
        return None
    if type(serializer.real) is not PydanticSerializer or has_alias(call.params[0]):
        return None
    model = call.params[0].field_type
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return None
    try:
        schema: Any = model.__pydantic_core_schema__
        reader: Callable[[bytes], Any] | None = model.__pydantic_validator__.validate_json
    except AttributeError:  # not complete yet
        return None
    return reader if _means_the_same(schema) else None


def _means_the_same(schema: Mapping[str, Any]) -> bool:
    kind = schema["type"]
    if schema.get("strict") or (schema.get("config") or {}).get("strict"):
        return False
    if schema.get("custom_init") or schema.get("root_model"):
        return False
    if kind == "model-fields":
        if schema.get("extras_schema"):
            return False
        return all(_field_means_the_same(field) for field in schema["fields"].values())
    if kind == "definitions":
        return all(_means_the_same(each) for each in (schema["schema"], *schema["definitions"]))
    if kind == "dict":
        keys = schema.get("keys_schema")
        return keys == {"type": "str"} and _means_the_same(schema.get("values_schema", _ANY))
    if kind in _WRAPPED:
        return _means_the_same(schema.get(_WRAPPED[kind], _ANY))
    return kind in _SAME or kind == "definition-ref"  # to one of those that were looked at


_ANY: Mapping[str, Any] = {"type": "any"}


def _field_means_the_same(field: Mapping[str, Any]) -> bool:
    alias = field.get("validation_alias")
    return (alias is None or isinstance(alias, str)) and _means_the_same(field["schema"])
