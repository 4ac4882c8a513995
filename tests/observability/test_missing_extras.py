"""Without the client libraries: who needs them says how to get them, nobody else notices."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = """
import sys
from importlib import import_module
sys.modules[{library!r}] = None
import_module("anystream.memory").MemoryBroker()
try:
    import_module("anystream.memory.{module}")
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("library", "module", "extra"),
    [
        ("prometheus_client", "prometheus", "prometheus"),
        ("opentelemetry", "opentelemetry", "otel"),
    ],
)
def test_error_names_the_extra(library: str, module: str, extra: str) -> None:
    """The broker works; the middleware's import fails with the command that helps."""
    code = BLOCKED.format(library=library, module=module)
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert f'pip install "anystream[{extra}]"' in shown
