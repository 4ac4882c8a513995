"""`python -m anystream.conformance [module:host …]`: the table of clauses by host and server."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from anystream.conformance.hosts import SHIPPED
from anystream.conformance.judging import Judging, Pair, Verdict, every_pair
from anystream.conformance.registry import CLAUSES
from anystream.conformance.servers import SERVERS

MARKS = {"ok": "ok", "FAIL": "FAIL", "closed": "closed", "absent": "-"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Judges, prints the table, and returns 1 when a clause failed."""
    options = parse(arguments)
    sys.path.insert(0, os.getcwd())
    hosts = options.specs or [
        spec for spec in SHIPPED if not options.host or spec.split(".")[-1][:-5] in options.host
    ]
    pairs = every_pair(hosts, options.server)
    numbers = [
        number for number in sorted(CLAUSES) if not options.clause or chosen(number, options.clause)
    ]
    if not pairs or not numbers:
        print("nothing to judge: no such host, server or clause", file=sys.stderr)
        return 2
    began = time.monotonic()
    judging = Judging(dict.fromkeys(pairs, numbers), options.jobs, thorough=options.thorough)
    try:
        verdicts = collect(judging, pairs, numbers)
    finally:
        judging.close()
    print_table(pairs, numbers, verdicts)
    return print_summary(list(verdicts.values()), time.monotonic() - began)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    names = [spec.split(".")[-1][:-5] for spec in SHIPPED]
    parser = argparse.ArgumentParser(prog="python -m anystream.conformance", description=__doc__)
    parser.add_argument("specs", nargs="*", help="hosts as module:attribute (default: all shipped)")
    parser.add_argument("--host", action="append", choices=names, help="a shipped host; repeatable")
    parser.add_argument("--server", action="append", default=[], choices=sorted(SERVERS))
    parser.add_argument("--clause", action="append", help="a clause or a letter, L01 or L")
    parser.add_argument("--jobs", type=int, default=2, help="pairs judged at once (default: 2)")
    parser.add_argument(
        "--thorough", action="store_true", help="try even what no server can change on each server"
    )
    return parser.parse_args(arguments)


def chosen(number: str, wanted: Sequence[str]) -> bool:
    """Whether a clause is one of those, or begins with one of those letters."""
    return any(number.startswith(start.upper()) for start in wanted)


def collect(
    judging: Judging, pairs: Sequence[Pair], numbers: Sequence[str]
) -> dict[tuple[Pair, str], Verdict]:
    """Waits for every verdict, with a line for each pair that is done."""
    verdicts = {}
    for pair in pairs:
        for number in numbers:
            verdicts[pair, number] = judging.verdict(pair, number)
        failures = [n for n in numbers if verdicts[pair, n].status == "FAIL"]
        print(f"{pair}: {', '.join(failures) or 'done'}", file=sys.stderr, flush=True)
    return verdicts


def print_table(
    pairs: Sequence[Pair], numbers: Sequence[str], verdicts: dict[tuple[Pair, str], Verdict]
) -> None:
    """Prints the clauses, one a line, and how each stands on each pair."""
    for index, pair in enumerate(pairs, 1):
        print(f"[{index}] {pair}")
    print()
    width = 7
    print("clause " + "".join(f"[{index}]".ljust(width) for index in range(1, len(pairs) + 1)))
    for number in numbers:
        marks = [MARKS[verdicts[pair, number].status].ljust(width) for pair in pairs]
        print(f"{number:<7}{''.join(marks)} {CLAUSES[number].sentence}")


def print_summary(verdicts: Sequence[Verdict], seconds: float) -> int:
    """Prints the reasons and the failures; returns the exit code."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for verdict in verdicts:
        if verdict.status in ("closed", "absent"):
            key = (str(verdict.pair), verdict.status, verdict.text)
            reasons.setdefault(key, []).append(verdict.clause.number)
    print()
    for (pair, status, text), numbers in reasons.items():
        print(f"{status}: {pair}: {', '.join(numbers)}: {text}")
    failures = [verdict for verdict in verdicts if verdict.status == "FAIL"]
    for verdict in failures:
        print(f"\nFAIL {verdict.clause.number} {verdict.pair}: {verdict.clause.sentence}")
        print(f"    {verdict.text.strip()[:3000]}".replace("\n", "\n    "))
    counts = {mark: sum(verdict.status == mark for verdict in verdicts) for mark in MARKS}
    clauses = len({verdict.clause.number for verdict in verdicts})
    pairs = len({verdict.pair for verdict in verdicts})
    print(
        f"\n{clauses} clauses on {pairs} hosts and servers: {counts['ok']} hold, "
        f"{counts['FAIL']} fail, {counts['closed']} closed, {counts['absent']} not to be tried "
        f"({seconds:.0f} s)"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
