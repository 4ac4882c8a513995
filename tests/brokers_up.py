"""Pytest plugin: which brokers answer, what is skipped without them, a line for each at the end.

A test that needs a broker says so with its marker (`@pytest.mark.nats`). When the broker does not
answer the test is skipped; with ANYSTREAM_REQUIRE_BROKERS=1 the whole run fails instead, before
its first test.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache

import pytest

from tests.broker_probes import TARGETS, BrokerDown

# Two clients talk to the same Kafka.
SERVER_OF_MARKER = {
    "nats": "nats",
    "redis": "redis",
    "rabbit": "rabbit",
    "kafka": "kafka",
    "confluent": "kafka",
}
REQUIRE_VARIABLE = "ANYSTREAM_REQUIRE_BROKERS"


@cache
def why_down(server: str) -> str | None:
    """None when the server answers, else what is wrong. Asked once per run."""
    try:
        TARGETS[server].probe()
    except BrokerDown as error:
        return str(error)
    return None


def how_to_start(server: str) -> str:
    return (
        f"start it with `scripts/brokers.sh up {server}` "
        f"or `docker compose up -d --wait {server}`, or point {TARGETS[server].variable} at one"
    )


def missing_broker(server: str) -> str:
    return f"{why_down(server)}; {how_to_start(server)}"


class BrokerReport:
    """Counts outcomes per broker and writes them under the results."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        if session.config.option.collectonly or os.environ.get(REQUIRE_VARIABLE, "0") in ("", "0"):
            return
        missing = [missing_broker(server) for server in TARGETS if why_down(server)]
        if missing:
            lines = "\n".join(f"  - {line}" for line in missing)
            pytest.exit(
                f"{REQUIRE_VARIABLE} is set and not every broker answers:\n{lines}", returncode=1
            )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            brokers = [
                name for name in ("memory", *SERVER_OF_MARKER) if item.get_closest_marker(name)
            ]
            # goes with the report, also from a worker process to the one that counts
            item.user_properties.append(("brokers", brokers))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        for marker, server in SERVER_OF_MARKER.items():
            if item.get_closest_marker(marker) and why_down(server):
                pytest.skip(missing_broker(server))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        # a case that must fail, and does, was run: it is not skipped
        expected = hasattr(report, "wasxfail") and report.outcome == "skipped"
        outcome = "failed as expected" if expected else report.outcome
        for broker in dict(report.user_properties).get("brokers", ()):
            self.outcomes.setdefault(broker, Counter())[outcome] += 1

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> None:
        if config.option.collectonly:
            return
        terminalreporter.section("brokers")
        for broker in ("memory", *SERVER_OF_MARKER):
            terminalreporter.write_line(f"{broker:<10} {self.line(broker, config)}")

    def line(self, broker: str, config: pytest.Config) -> str:
        server = SERVER_OF_MARKER.get(broker)
        down = why_down(server) if server else None
        counts = self.outcomes.get(broker, Counter())
        expected = counts["failed as expected"]
        ran = counts["passed"] + counts["failed"] + expected
        parts = ["embedded" if server is None else "DOWN" if down else "up"]
        if counts:
            parts.append(f"{ran} ran, {counts['failed']} failed, {counts['skipped']} skipped")
            parts += [f"{expected} failed as expected"] if expected else []
        elif _a_part_only(config):
            parts.append("no test of it selected")
        else:
            parts.append("no tests yet in this version")
        if server and down:
            parts.append(how_to_start(server))
        return "; ".join(parts) if down else ", ".join(parts)


def _a_part_only(config: pytest.Config) -> bool:
    chosen = config.option.keyword or config.option.markexpr
    return bool(chosen) or config.args_source is not config.ArgsSource.TESTPATHS
