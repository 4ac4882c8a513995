"""The suite is right about a right adapter, and about wrong ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from reference_adapter import host_of
from wrong_adapters import BREAKS
from wrong_lifecycle import Background

from anystream.conformance import Host
from anystream.conformance.hosts import SHIPPED
from anystream.conformance.judging import Judging, Pair, every_pair
from anystream.conformance.registry import CLAUSES, SCENARIOS
from anystream.conformance.servers import SERVERS

REFERENCE = Pair("reference_adapter:host", "uvicorn")
WRONG = {name: Pair(f"wrong_adapters:{name}", "uvicorn") for name in BREAKS}


@pytest.fixture(scope="module")
def judging() -> Iterator[Judging]:
    """Judges the right adapter, and each wrong one on what it must break."""
    wanted = {WRONG[name]: numbers for name, numbers in BREAKS.items()}
    judging = Judging({REFERENCE: sorted(CLAUSES), **wanted})
    yield judging
    judging.close()


@pytest.mark.parametrize("number", sorted(CLAUSES))
def test_a_right_adapter_keeps_the_clause(judging: Judging, number: str) -> None:
    """No clause asks for what a right adapter does not do."""
    verdict = judging.verdict(REFERENCE, number)
    assert verdict.status == "ok", verdict.text


@pytest.mark.parametrize(
    ("adapter", "number"), [(name, number) for name in BREAKS for number in BREAKS[name]]
)
def test_a_wrong_adapter_breaks_the_clause(judging: Judging, adapter: str, number: str) -> None:
    """A clause notices an adapter that is wrong in just that point."""
    verdict = judging.verdict(WRONG[adapter], number)
    assert verdict.status == "FAIL", f"{adapter} breaks {number}, but the suite did not notice"
    assert not verdict.text.startswith("scenario"), verdict.text


def test_each_clause_is_broken_by_some_adapter() -> None:
    """No clause holds whatever an adapter does."""
    assert set(CLAUSES) == {number for numbers in BREAKS.values() for number in numbers}


def test_each_clause_is_one_sentence() -> None:
    """The table can be read on its own."""
    assert len(CLAUSES) >= 60
    for clause in CLAUSES.values():
        assert clause.sentence.endswith("."), clause.number
        assert clause.sentence.count(". ") == 0, clause.number
    assert len({clause.sentence for clause in CLAUSES.values()}) == len(CLAUSES)


def test_what_is_closed_is_needed_by_a_clause() -> None:
    """A misspelt behaviour would close nothing."""
    needed = {need for clause in CLAUSES.values() for need in clause.needs}
    for pair in every_pair(SHIPPED):
        server = SERVERS[pair.server]
        assert {*server.closed, *server.absent} <= needed, pair
        assert set(server.only) <= set(SCENARIOS), pair


def test_a_closed_behaviour_that_works_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing something is a promise that it does not work."""
    open_host = host_of(Background)
    closed = replace(open_host, closed={"test_client": "it is said not to work"})
    assert isinstance(closed, Host)
    monkeypatch.setattr("anystream.conformance.judging.load_host", lambda spec: closed)
    judging = Judging({REFERENCE: ["T04"]})
    verdict = judging.verdict(REFERENCE, "T04")
    judging.close()
    assert verdict.status == "FAIL"
    assert "open it" in verdict.text


def test_the_command_prints_the_table() -> None:
    """An outside author sees which clause fails, on what, and why; the exit code says so too."""
    command = [sys.executable, "-m", "anystream.conformance", "wrong_adapters:Unreachable"]
    done = subprocess.run(
        [*command, "--clause", "M01", "--clause", "E01", "--clause", "W"],
        cwd=__file__.rpartition("/")[0],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "E01    ok" in done.stdout
    assert "M01    FAIL" in done.stdout
    assert "FAIL M01 Unreachable on uvicorn" in done.stdout
    assert "8 clauses on 1 hosts and servers: 7 hold, 1 fail" in done.stdout


def test_a_host_that_is_not_there_is_named() -> None:
    """A wrong `module:host` says which part is wrong."""
    with pytest.raises(ValueError, match="has no 'nobody'"):
        every_pair(["reference_adapter:nobody"])
    with pytest.raises(ValueError, match="module:attribute"):
        every_pair(["reference_adapter"])
    with pytest.raises(ValueError, match="Host is wanted"):
        every_pair(["reference_adapter:DEFAULTS"])


def test_a_misspelt_behaviour_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A behaviour that no clause needs cannot be closed; the text lists those that can."""
    wrong = replace(host_of(Background), closed={"test_cleint": "a slip of the pen"})
    monkeypatch.setattr("anystream.conformance.judging.load_host", lambda spec: wrong)
    with pytest.raises(ValueError, match=r"test_cleint.*test_client"):
        every_pair(["reference_adapter:host"])
