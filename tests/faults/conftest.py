"""One play per kind of server, shared by all cases; figures are written when they are asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import FLAVOURS, FaultHarness, harness
from tests.faults.play import Play

FIGURES = "ANYSTREAM_FAULT_FIGURES"  # a file to write the figures to, as JSON


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenarios(of): the scenarios of a flavour to look at")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each case for each flavour, and for each of its scenarios where the case asks for that."""
    if "flavour" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("scenarios")
    on_server = "play" in metafunc.fixturenames
    rows = []
    for flavour, (kind, mark, _) in FLAVOURS.items():
        marks = [getattr(pytest.mark, mark), *([pytest.mark.slow] if on_server else [])]
        for scenario in marker.kwargs["of"](flavour) if marker else [None]:
            values = [*([kind] if on_server else []), flavour, *([scenario] if marker else [])]
            name = f"{flavour}-{scenario.replace(' ', '-')}" if scenario else flavour
            rows.append(pytest.param(*values, marks=marks, id=name))
    names = [*(["play"] if on_server else []), "flavour", *(["scenario"] if marker else [])]
    indirect = ["play"] if on_server else []
    metafunc.parametrize(names, rows, indirect=indirect, scope="session")


@pytest.fixture(scope="session")
def plays(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Play]]:
    """A play for each kind of server of which this run has tests, its server starting."""
    chosen: dict[str, set[str]] = {}
    for item in request.session.items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if "play" in params and not item.get_closest_marker("skip"):
            chosen.setdefault(params["play"], set()).add(params["flavour"])
    made = {
        kind: Play(kind, sorted(names, key=[*FLAVOURS].index), tmp_path_factory.mktemp(kind))
        for kind, names in chosen.items()
    }
    yield made
    for play in made.values():
        play.close()
        _write_figures(play)


@pytest.fixture(scope="session")
def play(request: pytest.FixtureRequest, plays: dict[str, Play]) -> Play:
    """What is done to the server of this kind."""
    kinds = [*plays]
    position = kinds.index(request.param)
    for kind in kinds[position : position + 2]:  # the next one may take its time to start
        plays[kind].begin()
    return plays[kinds[position]]


@pytest.fixture
def made(flavour: str) -> FaultHarness:
    """The harness of the case."""
    return harness(flavour)


def _write_figures(play: Play) -> None:
    name = os.environ.get(FIGURES)
    if not name:
        return
    path = Path(name)
    known: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    known += [record.figures() for record in play.records.values()]
    path.write_text(json.dumps(known, indent=1) + "\n")
