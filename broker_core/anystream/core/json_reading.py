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

from anystream.core.binding_parts import recover
from anystream.core.casting import LazySerializer, has_alias
from anystream.core.codec import load_json
from anystream.core.response import Response

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
    param = call.params[0]
    if type(serializer.real) is not PydanticSerializer or has_alias(param):
        return None
    if param.kind is param.kind.KEYWORD_ONLY:
        return None
    model = param.field_type
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return None
    try:
        schema: Any = model.__pydantic_core_schema__
        reader: Callable[[bytes], Any] | None = model.__pydantic_validator__.validate_json
    except AttributeError:  # not complete yet
        return None
    return reader if _means_the_same(schema) else None


def make_json_run(call: PlainCall) -> Callable[[Any, Any], Any] | None:
    """Makes the coroutine function `run_json(data, message)` of a call whose one argument is read
    from the bytes of the body; None for any other call.

    Args:
        call: all of its parameters come from the body.
    """
    read = json_reader(call)
    if read is None or not isinstance(serializer := call.serializer, LazySerializer):
        return None
    function = call.call
    check, none_is_fine = serializer.result_cast(), serializer.response_type is None

    async def run_json(data: Any, message: Any) -> Any:
        try:
            argument = read(data)
        except Exception:
            (argument,) = recover(call, (call.params[0].field_name,), (load_json(data),))
        result = await function(argument)
        if check is None or (none_is_fine and result is None) or isinstance(result, Response):
            return result
        return check(result)

    return run_json


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
