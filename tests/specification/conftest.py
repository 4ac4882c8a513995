"""Makes documents; that they are valid is checked for all tests, see `official/checking.py`."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from anystream.specification import AsyncAPI

Describe = Callable[..., dict[str, Any]]


@pytest.fixture
def describe() -> Describe:
    """Makes the document of brokers and checks it: references, JSON, the official parser.

    Whatever version is asked for, the other one has to be valid as well.
    """

    def make(*brokers: Any, routes: tuple[tuple[str, Any], ...] = (), **options: Any) -> Any:
        factory = AsyncAPI(*brokers, **options)
        for path, handler in routes:
            factory.add_http_route(path, handler)
        found = checked(factory)
        asked = factory.schema_version
        factory.schema_version = "2.6.0" if asked.startswith("3.") else "3.0.0"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checked(factory)
        return found

    return make


def checked(factory: AsyncAPI) -> dict[str, Any]:
    """The document of a factory."""
    specification = factory.to_specification()
    document = specification.to_jsonable()
    assert json.loads(specification.to_json()) == document
    assert [ref for ref in references(document) if not resolves(document, ref)] == []
    return document


def references(value: Any) -> Iterator[str]:
    """All `$ref` strings of a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolves(document: Any, reference: str) -> bool:
    """Whether a reference leads somewhere in the document."""
    if not reference.startswith("#/") or re.search(r"[^\w~:.%/#-]", reference):
        return False
    for part in reference[2:].split("/"):
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if not isinstance(document, dict) or key not in document:
            return False
        document = document[key]
    return True
