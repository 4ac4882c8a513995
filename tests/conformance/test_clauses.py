"""Every clause on every shipped adapter and server; each is judged in a process of its own."""

from __future__ import annotations

from anystream.conformance import pytest_clauses
from anystream.conformance.hosts import SHIPPED

test_conformance = pytest_clauses(*SHIPPED)
