"""Which harnesses there are."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.brokers.harness import Harness

FOLDER = Path(__file__).parent
NAMES = ("memory", "nats", "redis", "rabbit", "kafka", "confluent")


def harness_names() -> list[str]:
    """The brokers that have a harness, in the order of the tables."""
    return [name for name in NAMES if (FOLDER / f"harness_{name}.py").is_file()]


def load(name: str) -> Harness | Exception:
    """A broker's harness, or why it cannot be imported."""
    try:
        found: Harness = importlib.import_module(f"tests.brokers.harness_{name}").HARNESS
    except Exception as error:
        return error
    return found
