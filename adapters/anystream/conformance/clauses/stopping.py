"""S: requests in flight, signals, and stops that go wrong."""

from __future__ import annotations

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.recording import BROKER_DOWN
from anystream.conformance.registry import clause
from anystream.conformance.wire import Answer


def in_flight_answers(run: ServerProcess) -> list[Answer]:
    return [future.result() for future in run.notes["in_flight"]]


@clause("S01", "Requests in flight at SIGTERM are answered.", scenario="cycle")
def in_flight_requests_are_answered(run: ServerProcess) -> None:
    demand_equal({answer.status for answer in in_flight_answers(run)}, {200}, "statuses")


@clause("S02", "Requests in flight at SIGTERM can still publish.", scenario="cycle")
def in_flight_requests_publish(run: ServerProcess) -> None:
    demand(not run.timeline().has("broker.refused"), "a publish found a stopped broker")
    texts = {answer.text for answer in in_flight_answers(run)}
    demand_equal(texts, {'{"result": "published"}'}, "answers")


@clause("S03", "The brokers stop only after the last request is done.", scenario="cycle")
def brokers_stop_after_the_drain(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        last = worker.last("answered")
        for hook in ("stream.on_shutdown", "broker.stop"):
            demand(worker.position(last) < worker.position(worker.first(hook)), f"{worker}")


@clause("S04", "SIGINT stops the brokers as SIGTERM does.", scenario="interrupt")
def sigint_stops_the_brokers(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(
            "stream.after_startup", ("broker.stopped", "second"), ("broker.stopped", "first")
        )


@clause("S05", "A failing stop hook of the user's finds the brokers stopped.", scenario="interrupt")
def failing_user_stop_hook(run: ServerProcess) -> None:
    worker = run.timeline().first_worker("user.stop")
    worker.expect_order(("broker.stopped", "second"), ("broker.stopped", "first"), "user.stop")


@clause("S06", "A failing on_shutdown hook does not keep the brokers running.", scenario="bad_stop")
def failing_shutdown_hook(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order("stream.on_shutdown", ("broker.stop", "third"))


@clause("S07", "A broker that fails to stop does not keep the others running.", scenario="bad_stop")
def failing_stop_goes_on(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(("broker.stop", "third"), ("broker.stop", "second"))


@clause(
    "S08", "A broker that hangs in its stop is given up after stop_timeout.", scenario="bad_stop"
)
def hanging_stop_is_given_up(run: ServerProcess) -> None:
    demand(run.exit_code is not None, "the process goes on")
    for worker in run.timeline().workers():
        began = worker.first("broker.stop", broker="second")
        ended = worker.first("broker.stopped", broker="first")
        demand(0.4 < ended.time - began.time < 3, f"it took {ended.time - began.time:.2f} s")


@clause("S09", "A stop that goes wrong does not skip the user's stop hooks.", scenario="bad_stop")
def user_stop_hooks_after_a_bad_stop(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(("broker.stopped", "first"), "user.stop")


@clause("S10", "The error of a broker that fails to stop is logged.", scenario="bad_stop")
def stop_errors_are_logged(run: ServerProcess) -> None:
    demand(f"{BROKER_DOWN}: third.stop()" in run.output(), "it is not in the output")


@clause("S11", "The error of a failing on_shutdown hook is logged.", scenario="bad_stop")
def shutdown_hook_errors_are_logged(run: ServerProcess) -> None:
    demand("the conformance hook on_shutdown failed" in run.output(), "it is not in the output")


@clause("S12", "A broker that was given up at the stop is named in the log.", scenario="bad_stop")
def given_up_stops_are_logged(run: ServerProcess) -> None:
    lines = [line for line in run.output().splitlines() if "0.5" in line]
    demand(any("RecordingBroker" in line or "second" in line for line in lines), f"{lines}")


@clause("S13", "A stop that goes wrong leaves the exit code alone.", scenario="bad_stop")
def exit_code_of_a_bad_stop(run: ServerProcess) -> None:
    demand(run.exit_code in (0, -15), f"the exit code is {run.exit_code}")


@clause(
    "S14", "An open websocket to a mounted application does not keep the process running.",
    scenario="open_socket", needs=("mounted_websockets", "exit_with_open_websockets"),
)  # fmt: skip
def open_websocket_at_the_stop(run: ServerProcess) -> None:
    demand(run.exit_code is not None, "the process goes on")
    for worker in run.timeline().workers():
        worker.expect_order(("broker.stopped", "second"), ("broker.stopped", "first"), "user.stop")
