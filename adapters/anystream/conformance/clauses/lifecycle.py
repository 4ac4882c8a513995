"""L: the order of the user's hooks, the brokers, the application's hooks, and the requests."""

from __future__ import annotations

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause


@clause("L01", "The brokers start after the user's own start hooks.", scenario="cycle")
def brokers_start_after_the_user(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order("user.start", "broker.start")


@clause("L02", "No request is handled before every broker has started.", scenario="cycle")
def no_request_before_the_brokers(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(("broker.started", "first"), ("broker.started", "second"), "request")


@clause("L03", "The stream's on_startup hooks run before its brokers start.", scenario="cycle")
def on_startup_before_the_brokers(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order("user.start", "stream.on_startup", "broker.start")


@clause(
    "L04",
    "The stream's after_startup hooks run after its brokers started and before any request.",
    scenario="cycle",
)
def after_startup_before_requests(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(("broker.started", "second"), "stream.after_startup", "request")


@clause("L05", "The stream's on_shutdown hooks run before its brokers stop.", scenario="cycle")
def on_shutdown_before_the_brokers(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order("request", "stream.on_shutdown", "broker.stop")


@clause("L06", "The stream's after_shutdown hooks run after its brokers stopped.", scenario="cycle")
def after_shutdown_after_the_brokers(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(
            ("broker.stopped", "second"), ("broker.stopped", "first"), "stream.after_shutdown"
        )


@clause("L07", "The brokers have stopped when the user's own stop hooks run.", scenario="cycle")
def brokers_stop_before_the_user(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(("broker.stopped", "first"), "user.stop")


@clause("L08", "Every broker is started once and stopped once in a process.", scenario="cycle")
def once_each(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        for broker in ("first", "second"):
            for event in ("broker.start", "broker.stop"):
                demand_equal(len(worker.all(event, broker=broker)), 1, f"{event} of {broker}")


@clause("L09", "`setup` itself touches no broker and runs no hook.", scenario="cycle")
def setup_is_inert(run: ServerProcess) -> None:
    for pid in {entry.pid for entry in run.timeline().events}:
        own = [entry for entry in run.timeline().events if entry.pid == pid]
        names = [entry.event for entry in own]
        demand("setup.returned" in names, f"setup never returned in process {pid}: {names}")
        before = names[: names.index("setup.returned")]
        demand(set(before) <= {"setup.begin"}, f"during setup these happened: {before}")


@clause(
    "L10", "The brokers are started in the event loop that handles the requests.", scenario="cycle"
)
def one_loop(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        loops = {entry.loop for entry in worker.all("broker.start") + worker.all("request")}
        demand_equal(len(loops), 1, "event loops of broker starts and requests")


@clause(
    "L11",
    "The stream's lifespan is around everything else of the stream.",
    scenario="cycle",
)
def stream_lifespan_is_outermost(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order(
            "user.start", "stream.enter", "stream.on_startup", "stream.after_startup",
            "stream.on_shutdown", "stream.after_shutdown", "stream.exit", "user.stop",
        )  # fmt: skip


@clause("L12", "A clean start and stop leaves no traceback in the output.", scenario="cycle")
def no_traceback(run: ServerProcess) -> None:
    demand("Traceback (most recent call last)" not in run.output(), f"output: {run.output()}")


@clause("L13", "The user's stop hooks run at SIGTERM.", scenario="cycle")
def user_hooks_still_run(run: ServerProcess) -> None:
    for worker in run.timeline().workers():
        worker.expect_order("user.start", "user.stop")
