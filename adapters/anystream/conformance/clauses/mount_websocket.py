"""M40-M47: websockets to mounted applications."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from anystream.conformance.journal import ClauseBroken, demand, demand_equal
from anystream.conformance.probe_sockets import CLOSE_CODE, CLOSE_REASON
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause

NEEDS = ("mounted_websockets",)
SECONDS = 5
CLOSE_SECONDS = 1


def open_socket(
    run: ServerProcess, path: str, subprotocols: Sequence[str] | None = None
) -> AbstractContextManager[ClientConnection]:
    url = f"ws://127.0.0.1:{run.port}{path}"
    offered = [Subprotocol(name) for name in subprotocols or ()]
    return connect(
        url, open_timeout=SECONDS, close_timeout=CLOSE_SECONDS, subprotocols=offered or None
    )


@clause("M40", "A websocket to a mounted application carries text and bytes.",
        scenario="serving", needs=NEEDS)  # fmt: skip
def text_and_bytes(run: ServerProcess) -> None:
    with open_socket(run, "/probe/echo") as socket:
        for message in ("text", b"\x00bytes", "é" * 20_000):
            socket.send(message)
            demand_equal(socket.recv(timeout=SECONDS), message, "echo")


@clause("M41", "A websocket's scope has the paths and the query that a request's has.",
        scenario="serving", needs=NEEDS)  # fmt: skip
def websocket_scope(run: ServerProcess) -> None:
    with open_socket(run, "/probe/inner/scope?a=b") as socket:
        seen = json.loads(socket.recv(timeout=SECONDS))
    wanted = {
        "path": "/probe/inner/scope",
        "root_path": "/probe/inner",
        "type": "websocket",
        "query_string": "a=b",
    }
    demand_equal(seen, wanted, "scope")


@clause("M42", "A mounted application chooses the subprotocol.",
        scenario="serving", needs=NEEDS)  # fmt: skip
def subprotocol(run: ServerProcess) -> None:
    with open_socket(run, "/probe/subprotocol", subprotocols=["one", "two"]) as socket:
        demand_equal(socket.subprotocol, "two", "subprotocol")


@clause("M43", "The close code and reason of a mounted application reach the client.",
        scenario="serving", needs=NEEDS)  # fmt: skip
def close_by_the_application(run: ServerProcess) -> None:
    with open_socket(run, "/probe/close") as socket:
        try:
            socket.recv(timeout=SECONDS)
        except ConnectionClosed as closed:
            seen = closed.rcvd and (closed.rcvd.code, closed.rcvd.reason)
            demand_equal(seen, (CLOSE_CODE, CLOSE_REASON), "code and reason")
            return
    raise ClauseBroken("it was not closed")


@clause("M44", "The client's close code reaches a mounted application.",
        scenario="serving", needs=(*NEEDS, "client_close_codes"))  # fmt: skip
def close_by_the_client(run: ServerProcess) -> None:
    with open_socket(run, "/probe/echo") as socket:
        socket.close(4444, "the client closes")
    run.until_event("probe.socket_closed", 2.0, code=4444)


@clause("M45", "A websocket that a mounted application rejects is refused with 403.",
        scenario="serving", needs=NEEDS)  # fmt: skip
def rejected(run: ServerProcess) -> None:
    try:
        with open_socket(run, "/probe/reject"):
            raise ClauseBroken("it was accepted")
    except InvalidStatus as refused:
        demand_equal(refused.response.status_code, 403, "status")


@clause("M46", "A websocket whose client vanishes ends for a mounted application.",
        scenario="serving", needs=NEEDS)  # fmt: skip
def client_vanishes(run: ServerProcess) -> None:
    before = len(run.timeline().all("probe.socket_closed"))
    with open_socket(run, "/probe/echo") as socket:
        socket.send("soon gone")
        socket.recv(timeout=SECONDS)
        socket.socket.shutdown(2)
    run.until(
        lambda: len(run.timeline().all("probe.socket_closed")) > before, "websocket.disconnect", 4
    )


@clause("M47", "A path with a websocket serves requests as well.",
        scenario="serving", needs=NEEDS)  # fmt: skip
def requests_beside_websockets(run: ServerProcess) -> None:
    with open_socket(run, "/probe/echo") as socket:
        demand_equal(run.get("/probe/echo", method="POST", body=b"http").body, b"http", "body")
        socket.send("websocket")
        demand_equal(socket.recv(timeout=SECONDS), "websocket", "echo")
    demand(run.answers() is not None, "the server is gone")
