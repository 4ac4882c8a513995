"""Examples are made for a process of their own; here many of them share one."""

from __future__ import annotations

import pytest
from sanic import Sanic


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sanic's names are free again; BlackSheep gives each application its own routes."""
    Sanic._app_registry.clear()
    monkeypatch.setenv("APP_DEFAULT_ROUTER", "0")
