"""Runs each case on every broker: on its server, and in its test broker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.brokers.harness import CLOSED_IN_TEST_MODE, Can, Harness
from tests.brokers.registry import harness_names, load
from tests.brokers.rig import Rig

MODES = ("server", "test")
IMPATIENT = 1.0  # seconds, where the case is expected to fail
_closed: dict[tuple[str, str, str], str] = {}
_left_out: Counter[str] = Counter()


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "needs(*cans): what a broker must be able to do for this case",
        "kinds(which): runs on `every` kind, on the `settling` ones, or on the one for a purpose",
    ):
        config.addinivalue_line("markers", line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`rig` becomes harness × mode × the kinds that the case asks for."""
    if "rig" not in metafunc.fixturenames:
        return
    needs = [can for mark in metafunc.definition.iter_markers("needs") for can in mark.args]
    which = metafunc.definition.get_closest_marker("kinds")
    found = []
    for name in harness_names():
        harness = load(name)
        if isinstance(harness, Exception):
            found.append(pytest.param(harness, id=f"{name}-broken"))
            continue
        for mode in MODES:
            for kind in kinds_of(harness, which.args[0] if which else "first"):
                if not left_out(harness, mode, kind, needs):
                    found.append(parameter(harness, mode, kind, needs))
    metafunc.parametrize("rig", found, indirect=True)


def kinds_of(harness: Harness, which: str) -> list[str]:
    """The kinds that a case runs on."""
    if which == "first":
        return [harness.kinds[0]]
    if which == "every":
        return list(harness.kinds)
    return list(harness.settling) if which == "settling" else [harness.kind_for(which)]


def left_out(harness: Harness, mode: str, kind: str, needs: list[Can]) -> bool:
    """Whether a case makes no sense here: what no test broker can do is not even tried."""
    if mode != "test":
        return False
    reasons = [CLOSED_IN_TEST_MODE[can] for can in needs if can in CLOSED_IN_TEST_MODE]
    _left_out.update(reasons)
    return bool(reasons)


def parameter(harness: Harness, mode: str, kind: str, needs: list[Can]) -> Any:
    """One rig; where a need is closed the case must fail, or the reason is wrong."""
    marks = []
    if mode == "server":
        marks.append(getattr(pytest.mark, harness.name))
    reasons = {can: harness.why_closed(can, mode, kind) for can in needs}
    closed = {can: reason for can, reason in reasons.items() if reason}
    rig = Rig(harness, mode, kind)
    if closed:
        for can, reason in closed.items():
            _closed[harness.name, mode, can.value] = reason
        marks.append(pytest.mark.xfail(strict=True, reason="; ".join(closed.values())))
        rig.patience = min(IMPATIENT, rig.patience)
    name = f"{harness.name}-{mode}" + (f"-{kind}" if len(harness.kinds) > 1 else "")
    return pytest.param(rig, id=name, marks=marks)


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Rig:
    """The broker that the case runs on."""
    if isinstance(request.param, Exception):
        raise request.param
    found: Rig = request.param
    return found


@pytest.fixture(scope="session", autouse=True)
def cleaned() -> Iterator[None]:
    """Deletes at the end what the cases have made at the servers."""
    yield
    for name in harness_names():
        harness = load(name)
        if isinstance(harness, Harness):
            asyncio.run(harness.clean())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints what is closed, and why."""
    if _left_out:
        terminalreporter.section("broker suite: what no test broker can do, not run there")
        for reason, count in sorted(_left_out.items()):
            terminalreporter.write_line(f"{count:>4} × {reason}")
    if _closed:
        terminalreporter.section("broker suite: closed capabilities, must fail")
    for (name, mode, can), reason in sorted(_closed.items()):
        terminalreporter.write_line(f"{name:<10} {mode:<7} {can}: {reason}")
