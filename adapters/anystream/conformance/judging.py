"""Runs scenarios once for each host and server, and judges the clauses on them."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from anystream.conformance import clauses as _every_clause
from anystream.conformance.host import Host, load_host
from anystream.conformance.journal import ClauseBroken
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import CLAUSES, SCENARIOS, Clause, Scenario
from anystream.conformance.servers import SERVERS

__all__ = ["Judging", "Pair", "Verdict", "every_pair"]

Status = Literal["ok", "FAIL", "closed", "absent"]
JOBS = 2
_every_clause.load()


@dataclass(frozen=True)
class Pair:
    """A host on a server.

    Args:
        host: where the Host object is, as `module:attribute`.
        server: the name of one of its servers.
    """

    host: str
    server: str

    def __str__(self) -> str:
        return f"{load_host(self.host).name} on {self.server}"


@dataclass(frozen=True)
class Verdict:
    """How a clause stands on a pair; `text` says why it failed or is closed."""

    pair: Pair
    clause: Clause
    status: Status
    text: str = ""


def every_pair(hosts: Iterable[str], servers: Iterable[str] = ()) -> list[Pair]:
    """The pairs of these hosts and the servers that they name, or those in `servers`."""
    wanted = set(servers)
    pairs = []
    for spec in hosts:
        host = load_host(spec)
        unknown = set(host.servers) - set(SERVERS)
        if unknown:
            raise ValueError(f"{spec} names unknown servers {sorted(unknown)}; see SERVERS")
        known = {need for clause in CLAUSES.values() for need in clause.needs}
        unknown = {*host.closed, *host.absent} - known
        if unknown:
            raise ValueError(f"{spec} closes {sorted(unknown)}; there are {sorted(known)}")
        pairs += [Pair(spec, name) for name in host.servers if not wanted or name in wanted]
    return pairs


class Judging:
    """Judges clauses on pairs, two pairs at a time, each scenario in a process of its own.

    Args:
        wanted: the pairs, and the numbers of the clauses to judge on each.
        jobs: how many pairs are judged at the same time.
        thorough: try on every server even what no server can change.
    """

    def __init__(
        self, wanted: dict[Pair, list[str]], jobs: int = JOBS, *, thorough: bool = False
    ) -> None:
        self._thorough = thorough
        self._first = {pair.host: pair.server for pair in reversed(list(wanted))}
        self._closing = threading.Event()
        self._without_server: dict[tuple[str, str], dict[str, Verdict]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(jobs)
        self._futures: dict[Pair, Future[dict[str, Verdict]]] = {
            pair: self._pool.submit(self._judge_pair, pair, numbers)
            for pair, numbers in wanted.items()
        }

    def verdict(self, pair: Pair, number: str) -> Verdict:
        """Waits for the verdict of one clause on one pair."""
        return self._futures[pair].result()[number]

    def close(self) -> None:
        """Gives up what has not been judged and waits for what is running."""
        self._closing.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _judge_pair(self, pair: Pair, numbers: list[str]) -> dict[str, Verdict]:
        host = load_host(pair.host)
        verdicts: dict[str, Verdict] = {}
        for name, scenario in SCENARIOS.items():
            chosen = [CLAUSES[number] for number in numbers if CLAUSES[number].scenario == name]
            tried = []
            for clause in chosen:
                reason = not_tried(pair, clause, self._first[pair.host], self._thorough)
                if reason:
                    verdicts[clause.number] = Verdict(pair, clause, "absent", reason)
                else:
                    tried.append(clause)
            if tried and not self._closing.is_set():
                verdicts.update(self._judge_scenario(pair, host, scenario, tried))
        return verdicts

    def _judge_scenario(
        self, pair: Pair, host: Host, scenario: Scenario, tried: list[Clause]
    ) -> dict[str, Verdict]:
        """Judges a scenario; one that needs no server is judged once for all servers of a host."""
        if not scenario.instead_of_server:
            return judge_scenario(pair, host, scenario, tried)
        with self._lock:
            known = self._without_server.setdefault((pair.host, scenario.name), {})
            missing = [clause for clause in tried if clause.number not in known]
            if missing:
                known.update(judge_scenario(pair, host, scenario, missing))
            return {clause.number: replace(known[clause.number], pair=pair) for clause in tried}


def judge_scenario(
    pair: Pair, host: Host, scenario: Scenario, tried: list[Clause]
) -> dict[str, Verdict]:
    """Runs one scenario and judges its clauses."""
    run = ServerProcess(pair.host, scenario.instead_of_server or pair.server, scenario.plan)
    try:
        try:
            scenario.drive(run)
        except Exception as error:
            text = f"scenario {scenario.name} went wrong: {described(error)}"
            return {clause.number: failed(pair, host, clause, text) for clause in tried}
        if not scenario.live:
            run.close()
        return {clause.number: judge(pair, host, clause, run) for clause in tried}
    finally:
        run.close()


def judge(pair: Pair, host: Host, clause: Clause, run: ServerProcess) -> Verdict:
    """Judges one clause on a process that has been driven."""
    try:
        clause.judge(run)
    except Exception as error:
        text = described(error)
        if run.exit_code is not None:
            text += f"\nexit code {run.exit_code}; output: {run.output()[-1500:]}"
        return failed(pair, host, clause, text)
    reason = closure(host, pair.server, clause)
    if reason:
        return Verdict(pair, clause, "FAIL", f"holds although it is closed ({reason}): open it")
    return Verdict(pair, clause, "ok")


def failed(pair: Pair, host: Host, clause: Clause, text: str) -> Verdict:
    """The verdict on a broken clause: a failure, unless it had to break."""
    reason = closure(host, pair.server, clause)
    if reason:
        return Verdict(pair, clause, "closed", reason)
    return Verdict(pair, clause, "FAIL", text)


def described(error: Exception) -> str:
    """What was seen, or the traceback where the judging itself stumbled."""
    if isinstance(error, ClauseBroken):
        return str(error)
    return "".join(traceback.format_exception(error)[-6:])


def closure(host: Host, server: str, clause: Clause) -> str:
    """Why the clause cannot hold on this pair, or an empty text."""
    return _reason(clause, host.closed, SERVERS[server].closed)


def not_tried(pair: Pair, clause: Clause, first: str, thorough: bool = False) -> str:
    """Why a clause is not tried on a pair, or an empty text.

    Args:
        pair: the host and the server.
        clause: the clause.
        first: the host's first server; what no server can change is tried there only.
        thorough: try even that on every server.
    """
    if SCENARIOS[clause.scenario].once and not thorough and pair.server != first:
        return f"tried on {first}"
    return absence(load_host(pair.host), pair.server, clause)


def absence(host: Host, server: str, clause: Clause) -> str:
    """Why the clause cannot be tried on this pair, or an empty text."""
    only = SERVERS[server].only
    if only and clause.scenario not in only:
        return "tried on the same server with one worker"
    return _reason(clause, host.absent, SERVERS[server].absent)


def _reason(clause: Clause, *reasons: object) -> str:
    for known in reasons:
        for need in clause.needs:
            if isinstance(known, dict) and need in known:
                return str(known[need])
    return ""
