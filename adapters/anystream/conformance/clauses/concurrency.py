"""C: many requests at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from anystream.conformance.clauses.mount_websocket import NEEDS, SECONDS, open_socket
from anystream.conformance.journal import demand, demand_equal
from anystream.conformance.process import ServerProcess
from anystream.conformance.registry import clause
from anystream.conformance.wire import connected

MANY = 30


@clause("C01", "Requests at once to a mounted application get each their own answer.",
        scenario="serving")  # fmt: skip
def mounted_at_once(run: ServerProcess) -> None:
    bodies = [b"request %d " % number * 500 for number in range(MANY)]

    def echo(body: bytes) -> bytes:
        return run.get("/probe/echo", method="POST", body=body, timeout=15).body

    with ThreadPoolExecutor(MANY) as pool:
        demand(list(pool.map(echo, bodies)) == bodies, "answers got mixed up or lost")


@clause("C02", "Handlers at once get each the same broker.", scenario="serving")
def handlers_at_once(run: ServerProcess) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        paths = ["/user/broker", "/user/publish"] * (MANY // 2)
        texts = [answer.text for answer in pool.map(lambda path: run.get(path, timeout=15), paths)]
    demand_equal(set(texts[0::2]), {'{"result": "first"}'}, "brokers")
    demand_equal(set(texts[1::2]), {'{"result": "published"}'}, "answers")


@clause("C03", "A mounted application that waits holds up nobody else.", scenario="serving")
def waiting_holds_up_nobody(run: ServerProcess) -> None:
    with connected(run.port) as line:
        line.begin("GET", "/probe/two-chunks?nobody-waits", [])
        response = line.getresponse()
        demand_equal(response.read1(100), b"one", "first chunk")
        for path in ("/probe/x", "/user/broker", "/ping-first"):
            demand(run.get(path, timeout=3).status in (200, 204), f"{path} is held up")
        run.raise_flag("nobody-waits")
        demand_equal(response.read(), b"two", "rest of the body")


@clause("C04", "Websockets at once keep their messages apart.", scenario="serving", needs=NEEDS)
def websockets_at_once(run: ServerProcess) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(run, "/probe/echo")) for _ in range(8)]
        for number, socket in enumerate(sockets):
            socket.send(f"socket {number}")
        for number, socket in enumerate(sockets):
            demand_equal(socket.recv(timeout=SECONDS), f"socket {number}", "echo")
