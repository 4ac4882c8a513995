"""The suite itself: nobody is forgotten, every reason is there, the published tables are true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brokers.harness import Can, Harness
from tests.brokers.outcomes import VERBS
from tests.brokers.registry import harness_names, load
from tests.brokers.tables import DOCS, PAGES, written

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
CASES = [path for path in HERE.glob("test_brokers_*.py") if path != Path(__file__)]
by_harness = pytest.mark.parametrize("name", harness_names())


def harness_of(name: str) -> Harness:
    found = load(name)
    if isinstance(found, Exception):
        raise found
    return found


def test_every_broker_has_a_harness() -> None:
    """Each package with a broker in it runs through the suite."""
    packages = (PROJECT / "broker_core" / "anystream").glob("*/broker.py")
    brokers = {path.parent.name for path in packages} - {"core"}
    assert sorted(brokers - set(harness_names())) == []


def test_every_capability_is_proven() -> None:
    """Each one is needed by a case: an open one is tested, a closed one must fail."""
    text = "".join(path.read_text(encoding="utf-8") for path in CASES)
    needed = set(re.findall(r"needs\(([^)]*)\)", text))
    named = {can for call in needed for can in re.findall(r"Can\.(\w+)", call)}
    assert sorted(can.name for can in Can if can.name not in named) == []


@by_harness
def test_what_a_harness_says(name: str) -> None:
    """Reasons are there, kinds exist, every fate has its words."""
    harness = harness_of(name)
    assert harness.name == name
    closed = [
        *harness.closed.items(),
        *harness.closed_in_test_mode.items(),
        *(item for kind in harness.closed_kinds.values() for item in kind.items()),
    ]
    for can, reason in closed:
        assert isinstance(can, Can)
        assert len(reason.split()) >= 3, f"{can.name}: {reason!r} is no reason"
        assert not reason.endswith(".")
    assert set(harness.closed_kinds) <= {*harness.kinds, harness.pattern_kind}
    assert set(harness.settling) <= set(harness.kinds)
    assert len(set(harness.kinds)) == len(harness.kinds)
    for kind in harness.settling:
        assert {verb: bool(harness.words(verb, kind)) for verb in VERBS} == dict.fromkeys(
            VERBS, True
        )


@by_harness
def test_addresses_are_fresh(name: str) -> None:
    """They have three parts, and none comes twice."""
    harness = harness_of(name)
    found = [harness.new_address() for _ in range(3)]
    assert len(set(found)) == 3
    assert all(address.count(".") >= 2 for address in found)


@pytest.mark.parametrize("page", PAGES)
def test_published_tables(page: str) -> None:
    """Write them anew with `python -m tests.brokers write`."""
    assert (DOCS / page).read_text(encoding="utf-8") == written(page)


def test_there_are_enough_cases() -> None:
    """The number of distinct cases, each of which runs on every broker and its test broker."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    listing = subprocess.run(
        [*command, "-k", "memory-server", str(HERE)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    cases = [line for line in listing.splitlines() if "[memory-server" in line]
    assert len(cases) >= 150
