"""From the JSON schema of today's libraries to the older one that AsyncAPI understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anystream.specification.fitting import fits
from anystream.specification.model import Schema

# what stands below these keys
ONE = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
LISTS = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
MAPS = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})

Rename = Callable[[str], str]


def translated(schema: Any, rename: Rename) -> Any:
    """A copy of a schema in the terms of draft 7 and AsyncAPI.

    - references go where `rename` says; what stands beside one, older readers would ignore, so
      the reference moves into `allOf`;
    - a `discriminator` is the name of a property;
    - positions of a tuple are `items`;
    - defaults and examples that the schema itself forbids, such as the None of `size: int = None`,
      are left out: with them the document would not be valid.
    """
    if not isinstance(schema, dict):
        return schema
    found: Schema = {key: _below(key, value, rename) for key, value in schema.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = rename(found["$ref"])
        if len(found) > 1:
            found = {"allOf": [{"$ref": found.pop("$ref")}], **found}
    discriminator = found.get("discriminator")
    if isinstance(discriminator, dict):
        found["discriminator"] = discriminator.get("propertyName", "")
    if isinstance(found.get("prefixItems"), list):
        if "items" in found:
            found["additionalItems"] = found["items"]
        found["items"] = found.pop("prefixItems")
    if "default" in found and not fits(found["default"], schema):
        del found["default"]
    if isinstance(found.get("examples"), list):
        found["examples"] = [it for it in found["examples"] if fits(it, schema)]
    return found


def _below(key: str, value: Any, rename: Rename) -> Any:
    if key in MAPS and isinstance(value, dict):
        return {name: translated(it, rename) for name, it in value.items()}
    if key in LISTS and isinstance(value, list):
        return [translated(it, rename) for it in value]
    if key in ONE:
        return translated(value, rename)
    return value
