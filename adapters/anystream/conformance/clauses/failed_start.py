"""F: what a failed start leaves behind, and what it says."""

from __future__ import annotations

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.recording import BROKER_DOWN
from anystream.conformance.registry import clause

EXIT_CODE = ("start_failure_exit_code",)
FAILED_START = ("start_failure_runs_user_stop",)
LIFESPAN = ("asgi_lifespan",)
INTERRUPTED = ("signals_while_starting",)


@clause("F01", "A broker that cannot start keeps every request out.", scenario="failed_start")
def no_request_is_answered(run: ServerProcess) -> None:
    demand(not run.notes["answered"], "a request was answered")
    demand(not run.timeline().has("request"), "a request was handled")


@clause(
    "F02",
    "A broker that cannot start ends the process, with a non-zero exit code.",
    scenario="failed_start",
    needs=EXIT_CODE,
)
def the_process_fails(run: ServerProcess) -> None:
    demand(run.exit_code is not None, "the process goes on")
    demand(run.exit_code != 0, "the exit code is 0")


@clause("F03", "The broker's own error is shown, type and text.", scenario="failed_start")
def the_error_is_shown(run: ServerProcess) -> None:
    demand(f"BrokerDown: {BROKER_DOWN}: second.start()" in run.output(), "it is not shown")


@clause(
    "F04",
    "The brokers that had started are stopped when a later one fails.",
    scenario="failed_start",
)
def started_brokers_are_stopped(run: ServerProcess) -> None:
    worker = run.timeline().first_worker("broker.stop")
    worker.expect_order(("broker.start", "second"), ("broker.stopped", "first"))


@clause("F05", "The broker that failed to start is stopped too.", scenario="failed_start")
def the_failed_broker_is_stopped(run: ServerProcess) -> None:
    worker = run.timeline().first_worker("broker.stop")
    worker.expect_order(("broker.start", "second"), ("broker.stop", "second"))


@clause("F06", "A failed start is undone in reverse order.", scenario="failed_start")
def rollback_is_reversed(run: ServerProcess) -> None:
    worker = run.timeline().first_worker("broker.stop")
    worker.expect_order(("broker.stop", "second"), ("broker.stop", "first"))


@clause("F07", "Brokers after the failed one are never started.", scenario="failed_start")
def later_brokers_stay_untouched(run: ServerProcess) -> None:
    demand(run.timeline().has("broker.start", broker="second"), "the second was not started")
    demand(not run.timeline().has("broker.start", broker="third"), "the third was started")


@clause(
    "F08",
    "The user's stop hooks run after a broker failed to start.",
    scenario="failed_start",
    needs=FAILED_START,
)
def user_stop_hooks_run(run: ServerProcess) -> None:
    worker = run.timeline().first_worker("broker.stop")
    worker.expect_order("user.start", ("broker.stopped", "first"), "user.stop")


@clause(
    "F09", "A broker that hangs in its start is given up after start_timeout.",
    scenario="hanging_start",
)  # fmt: skip
def hanging_start_is_given_up(run: ServerProcess) -> None:
    demand(run.exit_code is not None, "the process goes on")
    demand(not run.notes["answered"], "a request was answered")
    worker = run.timeline().first_worker("broker.stop")
    began = worker.first("broker.start", broker="second")
    ended = worker.first("broker.stop", broker="second")
    demand(0.4 < ended.time - began.time < 3, f"given up after {ended.time - began.time:.2f} s")


@clause(
    "F10", "The error of a start that took too long names the broker.", scenario="hanging_start"
)
def timeout_names_the_broker(run: ServerProcess) -> None:
    demand("StartTimeout" in run.output(), "no StartTimeout is shown")
    lines = [line for line in run.output().splitlines() if "StartTimeout" in line]
    demand(any("RecordingBroker" in line or "second" in line for line in lines), f"{lines}")
    demand(any("0.5" in line for line in lines), f"the seconds are not named: {lines}")


@clause("F11", "The other brokers stop when one hangs in its start.", scenario="hanging_start")
def others_stop_after_a_hang(run: ServerProcess) -> None:
    worker = run.timeline().first_worker("broker.stop")
    worker.expect_order(("broker.start", "second"), ("broker.stopped", "first"))


@clause(
    "F12", "A failing on_startup hook of the stream keeps its brokers from starting.",
    scenario="startup_hook_fails",
)  # fmt: skip
def failing_startup_hook(run: ServerProcess) -> None:
    demand(run.timeline().has("stream.on_startup"), "the hook never ran")
    demand(not run.timeline().has("broker.start"), "a broker was started")
    demand(not run.notes["answered"], "a request was answered")
    demand("the conformance hook on_startup failed" in run.output(), "its error is not shown")


@clause(
    "F13",
    "A failing after_startup hook of the stream stops its brokers and fails the start.",
    scenario="after_startup_fails",
)
def failing_after_startup_hook(run: ServerProcess) -> None:
    demand(not run.notes["answered"], "a request was answered")
    demand("the conformance hook after_startup failed" in run.output(), "its error is not shown")
    worker = run.timeline().first_worker("broker.stop")
    worker.expect_order(
        "stream.after_startup", ("broker.stopped", "second"), ("broker.stopped", "first")
    )


@clause("F14", "A failed start closes the stream's lifespan.", scenario="after_startup_fails")
def stream_lifespan_is_closed(run: ServerProcess) -> None:
    worker = run.timeline().first_worker("broker.stop")
    worker.expect_order(("broker.stopped", "first"), "stream.exit")


@clause(
    "F15", "A failing start hook of the user's leaves no broker running.",
    scenario="user_start_fails",
)  # fmt: skip
def failing_user_hook(run: ServerProcess) -> None:
    demand(run.timeline().has("user.start"), "the user's hook never ran")
    demand(not run.notes["answered"], "a request was answered")
    starts = len(run.timeline().all("broker.start"))
    demand_equal(len(run.timeline().all("broker.stopped")), starts, "brokers that were stopped")


@clause(
    "F16", "SIGTERM during the start ends the process and leaves no broker running.",
    scenario="interrupted_start", needs=INTERRUPTED,
)  # fmt: skip
def interrupted_start(run: ServerProcess) -> None:
    demand(run.exit_code is not None, "the process goes on")
    worker = run.timeline().first_worker("broker.stop")
    if worker.has("broker.start"):
        worker.expect_order("broker.start", "broker.stopped")


@clause(
    "F17", "A failed start is over by the time the server hears of it.",
    scenario="failed_lifespan", needs=LIFESPAN,
)  # fmt: skip
def nothing_is_waited_for_after_a_failed_start(run: ServerProcess) -> None:
    said = run.timeline().first("lifespan.said").details["type"]
    demand_equal(said, "lifespan.startup.failed", "what the server hears")
    over = run.timeline().first("lifespan.over").details["over"]
    demand(over, "the lifespan goes on after startup.failed: hypercorn serves then")
