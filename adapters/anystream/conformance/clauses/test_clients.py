"""T: the frameworks' own test clients."""

from __future__ import annotations

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.recording import BROKER_DOWN
from anystream.conformance.registry import clause

NEEDS = ("test_client",)


def expect_no_error(run: ServerProcess, number: int) -> None:
    for entry in run.timeline().all("client.error", round=number):
        demand(False, f"round {number}: {entry.details['text']}")


@clause("T01", "The framework's test client starts the brokers.", scenario="test_client",
        needs=NEEDS)  # fmt: skip
def client_starts(run: ServerProcess) -> None:
    expect_no_error(run, 0)
    run.timeline().expect_order("broker.started", "request", "client.answer")
    text = run.timeline().first("client.answer", round=0).details["text"]
    demand_equal(text, '{"result": "first"}', "answer")


@clause("T02", "The framework's test client stops the brokers.", scenario="test_client",
        needs=NEEDS)  # fmt: skip
def client_stops(run: ServerProcess) -> None:
    run.timeline().expect_order("request", ("broker.stopped", "second"), "client.left")
    run.timeline().expect_order(("broker.stopped", "first"), "client.left")


@clause("T03", "An application can be started again, in another event loop.",
        scenario="test_client", needs=(*NEEDS, "second_start"))  # fmt: skip
def second_start(run: ServerProcess) -> None:
    expect_no_error(run, 1)
    demand(run.timeline().has("client.left", round=1), "the second round did not end")
    starts = len(run.timeline().all("broker.started", broker="first"))
    demand_equal(len(run.timeline().all("broker.stopped", broker="first")), starts, "stops")
    demand(starts >= 2, "the broker was not started again")


@clause("T04", "A broker that cannot start fails the test client with its own error.",
        scenario="test_client_failing", needs=NEEDS)  # fmt: skip
def failing_start(run: ServerProcess) -> None:
    error = run.timeline().first("client.error", round=0).details["text"]
    demand(f"{BROKER_DOWN}: second.start()" in error, f"error: {error}")
    demand(not run.timeline().has("request"), "a request was handled")
    demand(run.timeline().has("broker.stopped", broker="first"), "the first was left running")
