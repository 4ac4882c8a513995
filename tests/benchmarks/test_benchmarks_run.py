"""Every scenario runs, with a handful of messages: nothing is said about speed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from tests.benchmarks.catalog import BY_NAME, SCENARIOS
from tests.benchmarks.parent import ROOT, measure
from tests.benchmarks.report import rows
from tests.benchmarks.scenario import ANYSTREAM, Goal, Scenario, of_raw, times_less

FEW = 20


def marked(scenario: Scenario) -> object:
    marks = [pytest.mark.slow]
    if scenario.marker:
        marks.append(getattr(pytest.mark, scenario.marker))
    elif scenario.nats:
        marks.append(pytest.mark.nats)
    return pytest.param(scenario, id=scenario.name, marks=marks)


FIRST_OF_MODULE = {each.module: each for each in reversed(SCENARIOS)}


@pytest.mark.parametrize("scenario", [marked(scenario) for scenario in SCENARIOS])
def test_scenario_gives_a_number(scenario: Scenario) -> None:
    """A tiny round ends with numbers in every row that has goals: on all sides for the first
    scenario of a module, on our own for the others, which differ in a parameter."""
    count = 1 if scenario.module in ("imports", "starting") else FEW
    if FIRST_OF_MODULE[scenario.module] is not scenario:
        scenario = replace(scenario, sides=(ANYSTREAM,))
    results, errors = measure(scenario, rounds=1, count=count, warm_up=0)
    assert not errors
    assert set(scenario.goals) <= set(results)
    for samples in results.values():
        assert set(samples) == set(scenario.sides)
    lines = rows(scenario, results)
    assert len(lines) == len(results)
    assert all(line.startswith(scenario.name) for line in lines)


def test_verdict_names_the_limit_that_holds() -> None:
    """A ratio is compared with both limits, in the direction of its column."""
    samples = {"raw": [10.0, 12.0, 11.0], "faststream": [66.0], "anystream": [11.0]}
    assert of_raw(1.15, 0.95).verdict(samples) == "must"
    assert of_raw(0.9, 0.8).verdict(samples) == "MISS"
    assert times_less(4, 5.5).verdict(samples) == "aim"
    assert Goal("raw", 50, 25, "plus").verdict(samples) == "aim"
    assert Goal("raw", 1.05, 1.05, "own").verdict(samples) == "MISS"
    assert of_raw(1.15).verdict({"anystream": [1.0]}) == ""


def test_command_line_lists_and_refuses() -> None:
    """`--list` names every scenario; an unknown name ends with the known ones."""
    command = [sys.executable, "-m", "tests.benchmarks"]
    listed = subprocess.run([*command, "--list"], cwd=ROOT, capture_output=True, text=True)
    assert listed.stdout.split() == list(BY_NAME)
    refused = subprocess.run([*command, "nonsense"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "no scenario is called 'nonsense'" in refused.stderr
    assert "core-model" in refused.stderr
