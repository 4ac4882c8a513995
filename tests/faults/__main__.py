"""`python -m tests.faults [-k EXPRESSION]`: runs the fault cases and prints their figures.

The figures go to `faults.json` too (or to the file that ANYSTREAM_FAULT_FIGURES names).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import FIGURES
from tests.faults.harness import FLAVOURS

COLUMNS = {
    "flavour": "consumer",
    "scenario": "fault",
    "confirmed": "confirmed",
    "lost": "lost",
    "repeated": "handled again",
    "unready_after": "not ready after",
    "flows_after": "works again after",
    "cpu": "CPU in the outage",
    "attempts": "attempts/s",
    "stop_took": "`stop()` while away",
}
SECONDS = ("unready_after", "flows_after", "stop_took")


def cell(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if name in SECONDS:
        return f"{max(0.0, value):.1f} s"
    if name == "cpu":
        return f"{value:.1%}"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    lines = ["| " + " | ".join(COLUMNS.values()) + " |", "|---" * len(COLUMNS) + "|"]
    order = [*FLAVOURS]
    for row in sorted(rows, key=lambda row: (order.index(row["flavour"]), row["scenario"])):
        lines.append("| " + " | ".join(cell(row, name) for name in COLUMNS) + " |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    path = Path(os.environ.setdefault(FIGURES, "faults.json"))
    path.unlink(missing_ok=True)
    code = pytest.main(["-q", "-p", "no:cacheprovider", str(Path(__file__).parent), *arguments])
    if path.exists():
        print(table(json.loads(path.read_text())))
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
