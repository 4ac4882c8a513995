"""Names of schemas in a document: one for each schema, namesakes told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from anystream.specification.dialect import translated
from anystream.specification.model import REFERENCE, Described, Payload, Schema

_REFERENCE = re.compile(r'"\$ref": "#/\$defs/((?:[^"\\]|\\.)*)"')
_PLAIN = re.compile(r"[A-Za-z0-9:._-]+")


class Components:
    """The named schemas of a document; grows while the document is written."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._contents: dict[str, str] = {}
        self._placed: dict[int, dict[str, str]] = {}

    def reference(self, payload: Payload, name: str) -> Schema:
        """Puts a payload's schema among the others.

        Args:
            payload: the payload.
            name: what it is called, unless it is a model.

        Returns:
            The reference to it.
        """
        body = payload.body
        if body.model is not None:
            return self._place(body)
        schema = self._place(body)
        if payload.properties:
            schema["properties"] = {
                name: self._place(part) for name, part in payload.properties.items()
            }
        content = json.dumps(schema, sort_keys=True, default=str)
        name = self._choose(name, payload.other_name, content)
        self.schemas.setdefault(name, schema)
        return {"$ref": pointer("components", "schemas", name)}

    def _place(self, described: Described) -> Schema:
        """Puts the definitions among the others; returns the schema with its references right."""
        names = self._placed.get(id(described.definitions))
        if names is None:
            names = self._placed[id(described.definitions)] = self._names(described)
            for name, definition in described.definitions.items():
                if names[name] not in self.schemas:
                    self.schemas[names[name]] = self._translate(definition, names)
        placed: Schema = self._translate(described.schema, names)
        return placed

    def _translate(self, schema: Schema, names: dict[str, str]) -> Any:
        def rename(reference: str) -> str:
            name = names.get(reference.removeprefix(REFERENCE))
            return reference if name is None else pointer("components", "schemas", name)

        return translated(schema, rename)

    def _names(self, described: Described) -> dict[str, str]:
        texts = {
            name: json.dumps(schema, sort_keys=True, default=str)
            for name, schema in described.definitions.items()
        }
        return {
            name: self._choose(name, described.full_names.get(name, ""), _content(name, texts))
            for name in texts
        }

    def _choose(self, name: str, other_name: str, content: str) -> str:
        """The first name that is free, or that means the same already."""
        for candidate in _candidates(name, other_name):
            if self._contents.setdefault(candidate, content) == content:
                return candidate
        raise LookupError(name)


# the official parser takes a key for an address, in which these begin a query and a fragment
_UNCLEAN = str.maketrans({"/": ".", "?": "_", "#": "_"})


def cleaned(key: str) -> str:
    """A key as AsyncAPI 3 can have it."""
    return key.translate(_UNCLEAN)


def pointer(*parts: str) -> str:
    """A reference to a place in the document."""
    return "#/" + "/".join(map(_escaped, parts))


def _escaped(part: str) -> str:
    if _PLAIN.fullmatch(part):
        return part
    return quote(part.replace("~", "~0").replace("/", "~1"), safe="~:._-")


def _candidates(name: str, other_name: str) -> Iterator[str]:
    yield cleaned(name)
    best = cleaned(other_name or name)
    if other_name:
        yield best
    number = 2
    while True:
        yield f"{best}:{number}"
        number += 1


def _content(name: str, texts: dict[str, str]) -> str:
    """All that a definition means: it and what it refers to. Equal texts, equal schemas."""
    reached = [name]
    for known in reached:
        for found in _REFERENCE.findall(texts[known]):
            if found in texts and found not in reached:
                reached.append(found)
    return "\n".join(f"{known}: {texts[known]}" for known in sorted(reached))
