"""What the official parser says of every example that declares something."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from anystream.core.broker import Broker
from anystream.specification import AsyncAPI
from tests.specification.official.parser import OfficialParser

PROJECT = Path(__file__).resolve().parents[2]
NO_MODULES = ("docs_src.demo.main",)
GROUP = 8  # examples in one document; one by one they take a minute
ACCEPTED = {
    # there is a 3.1
    "asyncapi-latest-version",
    # recommendations for 2.6: what an application may say of itself, and ids besides the keys
    "asyncapi-id",
    "asyncapi-info-contact",
    "asyncapi-info-description",
    "asyncapi-info-license",
    "asyncapi2-message-messageId",
    "asyncapi2-operation-operationId",
    "asyncapi2-server-no-trailing-slash",
    "asyncapi2-tags",
}


def modules() -> list[str]:
    """All examples."""
    files = sorted((PROJECT / "docs_src").rglob("*.py"))
    names = [".".join(file.relative_to(PROJECT).with_suffix("").parts) for file in files]
    return [
        name
        for name in names
        if not name.endswith("__init__") and name not in NO_MODULES and ".test_" not in name
    ]


@pytest.fixture(scope="module")
def official() -> Iterator[OfficialParser]:
    """A parser of its own."""
    parser = OfficialParser()
    yield parser
    parser.close()


def brokers() -> list[Broker]:
    """The brokers of the examples."""
    found: dict[int, Broker] = {}
    for name in modules():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module: Any = import_module(name)
        found.update((id(it), it) for it in vars(module).values() if isinstance(it, Broker))
    return list(found.values())


@pytest.mark.slow
def test_examples_are_valid(official: OfficialParser) -> None:
    """No error in either version, and no remark but those that are known."""
    declared = brokers()
    assert len(declared) > 20
    for start in range(0, len(declared), GROUP):
        group = declared[start : start + GROUP]
        for version in ("3.0.0", "2.6.0"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                text = AsyncAPI(*group, schema_version=version).to_specification().to_json()
            said = official.check(text)
            assert [it for it in said if it["level"] == "error"] == []
            assert {it["code"] for it in said} <= ACCEPTED
