"""The suite under pytest: one test for each clause on each host and server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from anystream.conformance.judging import Judging, Pair, every_pair, not_tried
from anystream.conformance.registry import CLAUSES

PLUGIN = "anystream-conformance"


class OneJudging:
    """Judges, once in a session, exactly the clauses that pytest selected."""

    def __init__(self) -> None:
        self._judging: Judging | None = None

    def judging(self, session: pytest.Session) -> Judging:
        """The judging of every selected clause; the first call begins it."""
        if self._judging is None:
            wanted: dict[Pair, list[str]] = {}
            for item in session.items:
                callspec = getattr(item, "callspec", None)
                if callspec is not None and "conformance_pair" in callspec.params:
                    numbers = wanted.setdefault(callspec.params["conformance_pair"], [])
                    numbers.append(callspec.params["conformance_number"])
            self._judging = Judging(wanted)
        return self._judging

    def close(self) -> None:
        """Ends what is still running."""
        if self._judging is not None:
            self._judging.close()

    def pytest_sessionfinish(self) -> None:
        """Ends what is still running when pytest does."""
        self.close()


def pytest_clauses(*hosts: str, servers: tuple[str, ...] = ()) -> Callable[..., None]:
    """Returns a test function, to be assigned to a name that begins with `test_`.

    Args:
        hosts: where each Host is, as `module:attribute`.
        servers: names of servers; every server of a host when empty.
    """
    pairs = every_pair(hosts, servers)
    first = {pair.host: pair.server for pair in reversed(pairs)}
    tried = [
        pytest.param(pair, number, id=f"{pair}-{number}")
        for pair in pairs
        for number in sorted(CLAUSES)
        if not not_tried(pair, CLAUSES[number], first[pair.host])
    ]

    @pytest.mark.parametrize(("conformance_pair", "conformance_number"), tried)
    def test_clause(
        conformance_pair: Pair, conformance_number: str, request: pytest.FixtureRequest
    ) -> None:
        """One clause on one host and server."""
        verdict = _judging(request).verdict(conformance_pair, conformance_number)
        if verdict.status == "closed":
            pytest.xfail(verdict.text)
        if verdict.status == "FAIL":
            pytest.fail(f"{verdict.clause.sentence}\n{verdict.text}", pytrace=False)

    return test_clause


def _judging(request: pytest.FixtureRequest) -> Judging:
    plugins = request.config.pluginmanager
    plugin: Any = plugins.get_plugin(PLUGIN)
    if plugin is None:
        plugin = OneJudging()
        plugins.register(plugin, PLUGIN)
    judging: Judging = plugin.judging(request.session)
    return judging


__all__ = ["pytest_clauses"]
