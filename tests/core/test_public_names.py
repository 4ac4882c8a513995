"""What programs import: each public name of the peer is here, in the module that stands for it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

BROKERS = ("nats", "redis", "rabbit", "kafka", "confluent")
FACES = {
    "faststream": "anystream.core",
    "faststream.asgi": "anystream.asgi",
    "faststream.specification": "anystream.specification",
    "faststream.prometheus": "anystream.prometheus",
    "faststream.opentelemetry": "anystream.opentelemetry",
    "faststream.params": "anystream.core.params",
    "faststream.response": "anystream.core.response",
}
OWN = ("testing", "prometheus", "opentelemetry", "fastapi")
# what the peer lists and means for itself
PRIVATE = {
    "faststream.confluent": {"ConfluentConfig"},  # the type of its `config` option
}


def modules() -> Iterator[tuple[str, str]]:
    """The peer's module and ours."""
    yield from FACES.items()
    for broker in BROKERS:
        peer, ours = f"faststream.{broker}", f"anystream.{broker}"
        yield peer, ours
        yield f"{peer}.testing", f"{ours}.testing"
        yield f"{peer}.annotations", f"{ours}.annotations"
        yield f"{peer}.fastapi", f"anystream.fastapi.{broker}"
        for kind in ("prometheus", "opentelemetry"):
            yield f"{peer}.{kind}", f"{ours}.{kind}"
            yield f"{peer}.{kind}", f"anystream.{kind}.{broker}"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("peer", "ours"), list(modules()))
def test_every_public_name_is_here(peer: str, ours: str) -> None:
    """So an import works after its prefix was changed."""
    known = importlib.import_module(ours)
    names = set(importlib.import_module(peer).__all__) - PRIVATE.get(peer, set())
    assert names
    assert {name for name in names if not hasattr(known, name)} == set()
