"""The clauses, by topic; importing a topic registers its clauses."""

from __future__ import annotations

import importlib

TOPICS = (
    "lifecycle",
    "failed_start",
    "stopping",
    "several_brokers",
    "ping",
    "mount_scope",
    "mount_streaming",
    "mount_disconnect",
    "mount_websocket",
    "broker_access",
    "concurrency",
    "workers",
    "document",
    "traffic",
    "misuse",
    "test_clients",
)


def load() -> None:
    """Registers every clause of the suite."""
    importlib.import_module("anystream.conformance.scenarios")
    for topic in TOPICS:
        importlib.import_module(f"{__name__}.{topic}")
