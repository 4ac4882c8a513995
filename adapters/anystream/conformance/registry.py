"""The clauses and the scenarios in which they are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anystream.conformance.plan import Plan
from anystream.conformance.process import ServerProcess

Judge = Callable[[ServerProcess], None]
Drive = Callable[[ServerProcess], None]


@dataclass(frozen=True)
class Scenario:
    """One process under test, in which one or many clauses are judged.

    Args:
        name: what clauses call it.
        plan: the application.
        drive: what is done to the process before the clauses are judged.
        live: whether the process goes on while they are.
        instead_of_server: the check to run where no server is needed.
        once: whether one server of a host is enough, as none can make a difference.
    """

    name: str
    plan: Plan
    drive: Drive
    live: bool = False
    instead_of_server: str = ""
    once: bool = False


@dataclass(frozen=True)
class Clause:
    """One sentence that holds for every adapter.

    Args:
        number: a letter for the topic and two digits.
        sentence: what holds.
        scenario: where it is judged.
        needs: behaviours of the framework and the server that it cannot hold without.
        judge: raises ClauseBroken, or anything else, when it does not hold.
    """

    number: str
    sentence: str
    scenario: str
    needs: tuple[str, ...]
    judge: Judge


SCENARIOS: dict[str, Scenario] = {}
CLAUSES: dict[str, Clause] = {}


def scenario(
    name: str,
    plan: Plan,
    *,
    live: bool = False,
    instead_of_server: str = "",
    once: bool = False,
) -> Callable[[Drive], Drive]:
    """Registers the decorated function as what drives the scenario `name`."""

    def register(drive: Drive) -> Drive:
        if name in SCENARIOS:
            raise ValueError(f"there are two scenarios {name!r}")
        SCENARIOS[name] = Scenario(name, plan, drive, live, instead_of_server, once)
        return drive

    return register


def clause(
    number: str, sentence: str, *, scenario: str, needs: tuple[str, ...] = ()
) -> Callable[[Judge], Judge]:
    """Registers the decorated function as the judge of a clause."""

    def register(judge: Judge) -> Judge:
        if number in CLAUSES:
            raise ValueError(f"there are two clauses {number}")
        if scenario not in SCENARIOS:
            raise ValueError(f"clause {number} is judged in an unknown scenario {scenario!r}")
        CLAUSES[number] = Clause(number, sentence, scenario, needs, judge)
        return judge

    return register
