"""W: several worker processes, and processes that only publish."""

from __future__ import annotations

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause

NEEDS = ("workers",)


@clause("W01", "Each worker process starts its own brokers.", scenario="two_workers", needs=NEEDS)
def each_worker_starts(run: ServerProcess) -> None:
    pids = [entry.pid for entry in run.timeline().all("broker.started", broker="first")]
    demand_equal((len(pids), len(set(pids))), (2, 2), "starts and processes")


@clause(
    "W02",
    "Each worker process stops its own brokers.",
    scenario="two_workers",
    needs=(*NEEDS, "orderly_worker_stops"),
)
def each_worker_stops(run: ServerProcess) -> None:
    started = {entry.pid for entry in run.timeline().all("broker.started")}
    stopped = {entry.pid for entry in run.timeline().all("broker.stopped", broker="first")}
    demand_equal(stopped, started, "processes that stopped their brokers")


@clause("W03", "Only worker processes start brokers.", scenario="two_workers", needs=NEEDS)
def only_workers_start(run: ServerProcess) -> None:
    pids = {entry.pid for entry in run.timeline().all("broker.start")}
    demand_equal(len(pids), 2, "processes that started a broker")
    demand(run.pid not in pids, "the process above the workers started a broker")


@clause("W04", "With consume=False a broker is connected, not started.", scenario="publish_only")
def publish_only_connects(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order("user.start", "broker.connected", "request")
    demand(not run.timeline().has("broker.start"), "it was started")


@clause("W05", "With consume=False handlers publish.", scenario="publish_only")
def publish_only_publishes(run: ServerProcess) -> None:
    demand_equal(run.notes["publish"].json(), {"result": "published"}, "answer")
    demand(run.timeline().has("broker.publish"), "nothing reached the broker")


@clause("W06", "With consume=False the broker is stopped at the end.", scenario="publish_only")
def publish_only_stops(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order("broker.connected", "broker.stopped", "user.stop")
