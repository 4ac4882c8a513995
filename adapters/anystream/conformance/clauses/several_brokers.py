"""N: several brokers, bare brokers and applications of other libraries."""

from __future__ import annotations

from anystream.conformance.journal import demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause


@clause("N01", "Brokers start in the order of their declaration.", scenario="cycle")
def start_in_order(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(("broker.start", "first"), ("broker.start", "second"))


@clause("N02", "A broker starts when the one before it has started.", scenario="cycle")
def start_one_by_one(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(("broker.started", "first"), ("broker.start", "second"))


@clause("N03", "Brokers stop in reverse order.", scenario="cycle")
def stop_reversed(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(("broker.stop", "second"), ("broker.stop", "first"))


@clause("N04", "A bare broker can be given in place of an application.", scenario="publish_only")
def bare_broker(run: ServerProcess) -> None:
    demand_equal(run.notes["publish"].json(), {"result": "published"}, "answer")


@clause(
    "N05", "An application of another library is started and stopped by its own methods.",
    scenario="foreign",
)  # fmt: skip
def foreign_application(run: ServerProcess) -> None:
    demand_equal(run.notes["publish"].json(), {"result": "published"}, "answer")
    for worker in run.timeline().workers():
        demand_equal(len(worker.all("broker.start")), 2, "broker starts")
        worker.expect_order("user.start", "foreign.start", "request", "foreign.stop", "user.stop")
