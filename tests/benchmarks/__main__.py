"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks import page
from tests.benchmarks.catalog import BY_NAME, SCENARIOS
from tests.benchmarks.parent import Results, SideFailed, measure
from tests.benchmarks.report import HEAD, environment, rows
from tests.benchmarks.scenario import Scenario


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="anystream, the client by hand (raw) and FastStream side by side: microseconds "
        "of CPU for each message in the process that is measured, medians of alternating rounds. "
        "`aim` and `must` say which limit holds.",
    )
    parser.add_argument("names", nargs="*", help="scenarios, or beginnings of names; all if none")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default: 5)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of a quarter of the size")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers there")
    parser.add_argument("--docs", action="store_true", help="also write the table of the docs")
    parser.add_argument("--best", action="store_true", help="best round instead of the median")
    parser.add_argument("--list", action="store_true", help="names only")
    return parser.parse_args()


def chosen(names: list[str]) -> list[Scenario]:
    """The scenarios that were asked for; exits when a name fits none."""
    found = []
    for name in names:
        fitting = [BY_NAME[name]] if name in BY_NAME else []
        fitting = fitting or [one for one in SCENARIOS if one.name.startswith(name)]
        if not fitting:
            sys.exit(f"no scenario is called {name!r}; there are {', '.join(BY_NAME)}")
        found += [one for one in fitting if one not in found]
    return found or list(SCENARIOS)


def main() -> int:
    options = arguments()
    scenarios = chosen(options.names)
    if options.list:
        print("\n".join(scenario.name for scenario in scenarios))
        return 0
    rounds = min(options.rounds, 3) if options.quick else options.rounds
    written: dict[str, Results] = {}
    failures: list[str] = []
    print("\n".join(environment()), HEAD, sep="\n", flush=True)
    for scenario in scenarios:
        count = max(1, scenario.count // 4) if options.quick else scenario.count
        try:
            results, errors = measure(
                scenario, rounds=rounds, count=count, warm_up=max(1, count // 5), tolerant=True
            )
        except (OSError, RuntimeError, SideFailed) as error:
            results, errors = {}, [f"{scenario.name}: {error}"]
        failures += errors
        written[scenario.name] = results
        if options.best:
            results = {
                row: {side: [min(values)] for side, values in sides.items()}
                for row, sides in results.items()
            }
        print("\n".join(rows(scenario, results)) or f"{scenario.name}: failed", flush=True)
    for failure in failures:
        print(f"\nFAILED {failure}", file=sys.stderr)
    if options.docs:
        page.write(rounds, {name: (BY_NAME[name], results) for name, results in written.items()})
    if options.json:
        options.json.write_text(json.dumps({"machine": environment(), "results": written}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
