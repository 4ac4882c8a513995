"""M20-M29: bodies in both directions, and errors in mounted applications."""

from __future__ import annotations

import hashlib
import http.client
import time

from anystream.conformance.journal import ClauseBroken, demand, demand_equal
from anystream.conformance.probe_app import FLOOD_CHUNK, FLOOD_CHUNKS
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause
from anystream.conformance.wire import connected

CHUNKED = [("transfer-encoding", "chunked")]
LARGE = 17 * 1024 * 1024
STALLED = 0.4


@clause("M20", "Bodies stream both ways at once.", scenario="serving")
def both_ways(run: ServerProcess) -> None:
    with connected(run.port) as line:
        line.begin("POST", "/probe/echo", CHUNKED)
        line.chunk(b"first")
        response = line.getresponse()
        demand_equal(response.read1(100), b"first", "echo of the first chunk")
        line.chunk(b"second")
        demand_equal(response.read1(100), b"second", "echo of the second chunk")
        line.chunk(b"")
        demand_equal(response.read(), b"", "rest of the body")


@clause("M21", "A chunk of the response is sent before the next one exists.", scenario="serving")
def response_chunks_at_once(run: ServerProcess) -> None:
    with connected(run.port) as line:
        line.begin("GET", "/probe/two-chunks?second-chunk", [])
        response = line.getresponse()
        demand_equal(response.read1(100), b"one", "first chunk")
        run.raise_flag("second-chunk")
        demand_equal(response.read(), b"two", "rest of the body")


@clause("M22", "A request body of 17 MiB arrives whole.", scenario="serving")
def large_upload(run: ServerProcess) -> None:
    body = b"0123456789abcdef" * (LARGE // 16)
    counted = run.get("/probe/count", method="POST", body=body, timeout=20).json()
    wanted = {"size": LARGE, "sha256": hashlib.sha256(body).hexdigest()}
    demand_equal(counted, wanted, "what was counted")


@clause("M23", "A response body of 4 MiB arrives whole.", scenario="serving")
def large_response(run: ServerProcess) -> None:
    body = run.get("/probe/large", timeout=20).body
    demand_equal((len(body), set(body)), (64 * FLOOD_CHUNK, {ord("y")}), "size and bytes")


@clause("M24", "An application is held back while the client does not read.", scenario="serving")
def back_pressure(run: ServerProcess) -> None:
    with connected(run.port) as line:
        line.begin("GET", "/probe/flood", [])
        line.getresponse()
        sent = [_flooded(run)]

        def stalled() -> bool:
            time.sleep(STALLED)
            sent.append(_flooded(run))
            return sent[-1] == sent[-2]

        run.until(stalled, "the end of the sending", 15)
        demand(sent[-1] < FLOOD_CHUNK * FLOOD_CHUNKS // 2, f"{sent[-1]} bytes were taken")
        demand(not run.timeline().has("probe.flood_end"), "everything was taken")
        line.hang_up()


def _flooded(run: ServerProcess) -> int:
    return max([entry.details["sent"] for entry in run.timeline().all("probe.flood")], default=0)


@clause("M25", "An application may answer before it has read the body.", scenario="serving")
def early_answer(run: ServerProcess) -> None:
    with connected(run.port) as line:
        line.begin("POST", "/probe/early", CHUNKED)
        line.chunk(b"some")
        answer = line.answer()
        demand_equal((answer.status, answer.body), (413, b"no need to read"), "answer")


@clause("M26", "An error before the response is a 500, and the server goes on.", scenario="serving")
def error_before_the_response(run: ServerProcess) -> None:
    demand_equal(run.get("/probe/fail-before").status, 500, "status")
    demand_equal(run.get("/probe/x").status, 200, "status of the next request")


@clause("M27", "An error in a mounted application is shown.", scenario="serving")
def errors_are_shown(run: ServerProcess) -> None:
    run.get("/probe/fail-before")
    text = "the conformance probe fails before the response"
    run.until(lambda: text in run.output(), "the error in the output")


@clause("M28", "An error amid the response breaks it off visibly.", scenario="serving")
def error_amid_the_response(run: ServerProcess) -> None:
    with connected(run.port) as line:
        line.begin("GET", "/probe/fail-after?fail-now", [])
        response = line.getresponse()
        demand_equal(response.read1(100), b"partial", "first chunk")
        run.raise_flag("fail-now")
        try:
            rest = response.read()
        except (http.client.HTTPException, OSError):
            return
        raise ClauseBroken(f"the response ended as if it were whole, after {rest!r}")


@clause("M29", "A connection serves the next request after a mounted one.", scenario="serving")
def keep_alive(run: ServerProcess) -> None:
    with connected(run.port) as line:
        for number in range(3):
            body = b"number %d" % number
            line.begin("POST", "/probe/echo", [("content-length", str(len(body)))])
            line.send(body)
            demand_equal(line.answer().body, body, f"echo {number}")
