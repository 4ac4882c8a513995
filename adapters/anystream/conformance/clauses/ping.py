"""P: the ping endpoint, mounted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause
from anystream.conformance.user_code import UserCode

PING = "/ping-first"


@contextmanager
def flag(run: ServerProcess, name: str) -> Iterator[None]:
    run.raise_flag(name)
    try:
        yield
    finally:
        run.lower_flag(name)


@clause("P01", "The ping answers 204 while the broker does.", scenario="serving")
def ping_answers(run: ServerProcess) -> None:
    answer = run.get(PING)
    demand_equal((answer.status, answer.body), (204, b""), "answer")


@clause("P02", "The ping answers HEAD as it answers GET.", scenario="serving")
def ping_head(run: ServerProcess) -> None:
    demand_equal(run.get(PING, method="HEAD").status, 204, "status")


@clause("P03", "The ping answers 405 to other methods, and names its own.", scenario="serving")
def ping_post(run: ServerProcess) -> None:
    answer = run.get(PING, method="POST")
    demand_equal(answer.status, 405, "status")
    allowed = {name.strip() for value in answer.header("allow") for name in value.split(",")}
    demand({"GET", "HEAD"} <= allowed, f"allow: {answer.header('allow')}")


@clause("P04", "The ping answers 500 when the broker says no.", scenario="serving")
def ping_no(run: ServerProcess) -> None:
    with flag(run, "first.ping.no"):
        demand_equal(run.get(PING).status, 500, "status")


@clause("P05", "The ping answers 500 when the broker raises.", scenario="serving")
def ping_raises(run: ServerProcess) -> None:
    with flag(run, "first.ping.raise"):
        demand_equal(run.get(PING).status, 500, "status")


@clause("P06", "The ping answers 500 in its time when the broker hangs.", scenario="serving")
def ping_hangs(run: ServerProcess) -> None:
    with flag(run, "first.ping.hang"):
        demand_equal(run.get(PING, timeout=3).status, 500, "status")


@clause("P07", "The ping answers 204 again when the broker is back.", scenario="serving")
def ping_recovers(run: ServerProcess) -> None:
    with flag(run, "first.ping.no"):
        demand_equal(run.get(PING).status, 500, "status while it is away")
    demand_equal(run.get(PING).status, 204, "status after that")


@clause("P08", "The ping's path is exact: what is below it is the user's.", scenario="serving")
def ping_is_exact(run: ServerProcess) -> None:
    demand_equal(run.get(PING + "/below").text, UserCode.catch_all, "answer below the path")
    demand_equal(run.get(PING + "beside").text, UserCode.catch_all, "answer beside the path")


@clause("P09", "The ping tolerates one trailing slash, without a redirect.", scenario="serving")
def ping_trailing_slash(run: ServerProcess) -> None:
    demand_equal(run.get(PING + "/").status, 204, "status")


@clause("P10", "A broker that is away does not change another broker's ping.", scenario="serving")
def ping_of_another(run: ServerProcess) -> None:
    with flag(run, "first.ping.no"):
        demand_equal(run.get("/ping-second").status, 204, "status of the other")


@clause(
    "P11", "The ping answers 500 where the lifespan never ran.",
    scenario="lifespan_off", needs=("lifespan_off",),
)  # fmt: skip
def ping_without_lifespan(run: ServerProcess) -> None:
    demand_equal(run.get(PING).status, 500, "status")
