"""The official parser and schemas find what is wrong, and run on every document of a test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from anystream.memory import MemoryBroker
from anystream.specification import AsyncAPI
from tests.specification.official.parser import OfficialParser


@pytest.fixture(scope="module")
def official() -> Iterator[OfficialParser]:
    """A parser of its own."""
    parser = OfficialParser()
    yield parser
    parser.close()


def errors(official: OfficialParser, document: Any) -> list[str]:
    """Codes of what is wrong."""
    said = official.check(json.dumps(document))
    return [it["code"] for it in said if it["level"] == "error"]


@pytest.mark.parametrize("version", ["3.0.0", "2.6.0"])
def test_what_is_wrong_is_found(official: OfficialParser, version: str) -> None:
    """A right document has no errors; a field too many and a lost reference have."""
    broker = MemoryBroker()

    @broker.subscriber("in")
    async def handle(body: int) -> None: ...

    document = AsyncAPI(broker, schema_version=version).to_specification().to_jsonable()
    assert errors(official, document) == []
    assert "json-schema" in errors(official, {**document, "wrong": 1})
    (message,) = document["components"]["messages"].values()
    message["payload"] = {"$ref": "#/components/schemas/lost"}
    assert errors(official, document) == ["invalid-ref"]


def test_documents_of_tests_are_noted(pytestconfig: pytest.Config) -> None:
    """What this test makes is in the queue of the plugin."""
    plugin: Any = pytestconfig.pluginmanager.getplugin("anystream-official-check")
    before = len(plugin._sent)
    AsyncAPI(MemoryBroker(), title="noted").to_specification()
    assert len(plugin._sent) == before + 1
