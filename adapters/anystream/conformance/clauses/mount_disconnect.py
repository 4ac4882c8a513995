"""M30-M33: what a mounted application learns of a client that goes away."""

from __future__ import annotations

from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause
from anystream.conformance.wire import connected

GOES_AWAY = 4.0


@clause("M30", "After the body, receive() waits while the client is there.", scenario="serving")
def receive_waits(run: ServerProcess) -> None:
    answer = run.get("/probe/still-there", method="POST", body=b"all of it")
    demand_equal(answer.text, "nothing came", "what receive() gave")


@clause("M31", "A client that hangs up while it waits is an http.disconnect.", scenario="serving")
def disconnect_while_waiting(run: ServerProcess) -> None:
    with connected(run.port) as line:
        line.begin("GET", "/probe/hold", [])
        run.until_event("probe.holding")
        line.hang_up()
        run.until_event("probe.disconnect", GOES_AWAY, while_doing="hold")
    seen = run.timeline().first("probe.disconnect", while_doing="hold")
    demand_equal(seen.details["type"], "http.disconnect", "message")


@clause("M32", "A client that hangs up amid its upload is an http.disconnect.", scenario="serving")
def disconnect_amid_the_upload(run: ServerProcess) -> None:
    before = len(run.timeline().all("probe.counting"))
    with connected(run.port) as line:
        line.begin("POST", "/probe/count", [("content-length", "1000")])
        line.send(b"a part")
        run.until(lambda: len(run.timeline().all("probe.counting")) > before, "the first part")
        line.hang_up()
        run.until_event("probe.disconnect", GOES_AWAY, while_doing="upload")
    demand(not run.timeline().has("probe.upload", size=6), "it looked like the end of the body")


@clause("M33", "A client that hung up leaves the server at work.", scenario="serving")
def server_goes_on(run: ServerProcess) -> None:
    for _ in range(3):
        with connected(run.port) as line:
            line.begin("POST", "/probe/count", [("content-length", "1000")])
            line.hang_up()
    demand_equal(run.get("/probe/x").status, 200, "status of the next request")
