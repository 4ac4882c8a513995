"""Whether a default or an example fits its schema, as the official parser demands.

Only what a schema says of the value itself is looked at, not what it says of the value's parts.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and value == int(value),
    "number": lambda value: _is_number(value),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, Mapping),
}
_BOUNDS: Mapping[str, tuple[Callable[[Any], bool], Callable[[Any], Any], Any]] = {
    "minimum": (lambda value: _is_number(value), lambda value: value, operator.ge),
    "maximum": (lambda value: _is_number(value), lambda value: value, operator.le),
    "exclusiveMinimum": (lambda value: _is_number(value), lambda value: value, operator.gt),
    "exclusiveMaximum": (lambda value: _is_number(value), lambda value: value, operator.lt),
    "minLength": (lambda value: isinstance(value, str), len, operator.ge),
    "maxLength": (lambda value: isinstance(value, str), len, operator.le),
    "minItems": (lambda value: isinstance(value, list), len, operator.ge),
    "maxItems": (lambda value: isinstance(value, list), len, operator.le),
}


def fits(value: Any, schema: Any) -> bool:
    """Whether a JSON value can be one of a schema.

    Args:
        value: the value.
        schema: the schema; of a reference nothing is known.
    """
    if not isinstance(schema, Mapping) or "$ref" in schema:
        return schema is not False
    kinds = schema.get("type")
    if isinstance(kinds, str):
        kinds = [kinds]
    if kinds and not any(_TYPES[kind](value) for kind in kinds if kind in _TYPES):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "const" in schema and value != schema["const"]:
        return False
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices and not any(fits(value, choice) for choice in choices):
        return False
    return _is_within(value, schema)


def _is_within(value: Any, schema: Mapping[str, Any]) -> bool:
    for name, (concerned, measure, compare) in _BOUNDS.items():
        if name in schema and concerned(value) and not compare(measure(value), schema[name]):
            return False
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and isinstance(value, str):
        try:
            return re.search(pattern, value) is not None
        except re.error:  # it is written for another machine
            return True
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
