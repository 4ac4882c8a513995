"""What is done to each process under test."""

from __future__ import annotations

import contextlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from websockets.sync.client import connect

from anystream.conformance.journal import POLL, ClauseBroken
from anystream.conformance.plan import BrokerPlan, Plan
from anystream.conformance.process import EXIT_SECONDS, START_SECONDS, ServerProcess
from anystream.conformance.registry import scenario

IN_FLIGHT_REQUESTS = 12
GIVEN_UP = 7.0
TWO_BROKERS = (BrokerPlan("first"), BrokerPlan("second", second_kind=True))


@scenario("serving", Plan(mounts=True), live=True)
def serving(run: ServerProcess) -> None:
    """An application at work, with everything mounted."""
    run.wait_ready()


@scenario(
    "traffic",
    Plan(stream="traffic", options={"asyncapi_path": "/docs/asyncapi"}),
    live=True,
    once=True,
)
def traffic(run: ServerProcess) -> None:
    """A real application on the embedded broker, with its document."""
    run.wait_ready()


@scenario("lifespan_off", Plan(mounts=True, lifespan=False), live=True)
def lifespan_off(run: ServerProcess) -> None:
    """A server that never runs the application's lifespan."""
    run.wait_ready()


@scenario("cycle", Plan(brokers=(BrokerPlan("first", start="slow"), *TWO_BROKERS[1:])))
def cycle(run: ServerProcess) -> None:
    """From start to SIGTERM, with requests in flight; the first broker takes its time to start."""
    run.wait_ready()
    with ThreadPoolExecutor(IN_FLIGHT_REQUESTS) as pool:
        answers = [
            pool.submit(run.get, "/user/in-flight", timeout=EXIT_SECONDS)
            for _ in range(IN_FLIGHT_REQUESTS)
        ]
        run.until(lambda: _begun(run) == IN_FLIGHT_REQUESTS, "the requests in flight")
        run.signal()
        run.notes["in_flight"] = answers
    run.wait_end()


def _begun(run: ServerProcess) -> int:
    return len(run.timeline().all("request", action="in-flight"))


@scenario("interrupt", Plan(fails="user.stop"))
def interrupt(run: ServerProcess) -> None:
    """SIGINT, and a stop hook of the user's that fails."""
    run.wait_ready()
    run.signal(signal.SIGINT)
    run.wait_end()


def _expect_no_start(run: ServerProcess) -> None:
    deadline = time.monotonic() + START_SECONDS
    run.notes["answered"] = False
    while not run.ended():
        if run.answers() is not None:
            run.notes["answered"] = True
            break
        if time.monotonic() > deadline:
            break
        time.sleep(POLL)


@scenario(
    "failed_start",
    Plan(
        brokers=(
            BrokerPlan("first"),
            BrokerPlan("second", start="fail", stop="fail"),
            BrokerPlan("third"),
        )
    ),
)
def failed_start(run: ServerProcess) -> None:
    """The second of three brokers fails to start, and then fails to stop too."""
    _expect_no_start(run)


@scenario(
    "hanging_start",
    Plan(
        brokers=(BrokerPlan("first"), BrokerPlan("second", start="hang")),
        options={"start_timeout": 0.5},
    ),
    once=True,
)
def hanging_start(run: ServerProcess) -> None:
    """The second broker never finishes its start."""
    _expect_no_start(run)


@scenario("startup_hook_fails", Plan(fails="on_startup"), once=True)
def startup_hook_fails(run: ServerProcess) -> None:
    """An on_startup hook of the stream application fails."""
    _expect_no_start(run)


@scenario("after_startup_fails", Plan(fails="after_startup"), once=True)
def after_startup_fails(run: ServerProcess) -> None:
    """An after_startup hook of the stream application fails."""
    _expect_no_start(run)


@scenario("user_start_fails", Plan(fails="user.start"))
def user_start_fails(run: ServerProcess) -> None:
    """A start hook of the user's fails."""
    _expect_no_start(run)


@scenario("interrupted_start", Plan(brokers=(BrokerPlan("first", start="slow"),)))
def interrupted_start(run: ServerProcess) -> None:
    """SIGTERM while the broker is starting."""
    run.until_event("broker.start", START_SECONDS)
    run.signal()
    with contextlib.suppress(ClauseBroken):
        run.wait_end(GIVEN_UP)


@scenario(
    "bad_stop",
    Plan(
        brokers=(
            BrokerPlan("first"),
            BrokerPlan("second", stop="hang"),
            BrokerPlan("third", stop="fail"),
        ),
        options={"stop_timeout": 0.5},
        fails="on_shutdown",
    ),
)
def bad_stop(run: ServerProcess) -> None:
    """Everything fails at the stop: a hook, then a broker, and the next broker hangs."""
    run.wait_ready()
    run.signal()
    with contextlib.suppress(ClauseBroken):
        run.wait_end()


@scenario("publish_only", Plan(stream="broker", options={"consume": False}), once=True)
def publish_only(run: ServerProcess) -> None:
    """A bare broker in a process that only publishes."""
    run.wait_ready()
    run.notes["publish"] = run.get("/user/publish")
    run.signal()
    run.wait_end()


@scenario("foreign", Plan(stream="foreign"), once=True)
def foreign(run: ServerProcess) -> None:
    """An application of another library, which starts and stops its brokers by itself."""
    run.wait_ready()
    run.notes["publish"] = run.get("/user/publish")
    run.signal()
    run.wait_end()


@scenario("two_workers", Plan(workers=2))
def two_workers(run: ServerProcess) -> None:
    """A server with two worker processes."""
    run.wait_ready()
    run.signal()
    run.wait_end()


@scenario("open_socket", Plan(mounts=True))
def open_socket(run: ServerProcess) -> None:
    """SIGTERM while a websocket to the mounted application is open."""
    run.wait_ready()
    with connect(f"ws://127.0.0.1:{run.port}/probe/echo", close_timeout=1) as socket:
        socket.send("open")
        socket.recv(timeout=5)
        run.signal()
        with contextlib.suppress(ClauseBroken):
            run.wait_end(GIVEN_UP)
    run.ended()


@scenario("misuse", Plan(), instead_of_server="misuse")
def misuse(run: ServerProcess) -> None:
    """Every wrong call of `setup`, without a server."""
    run.wait_end(START_SECONDS)


@scenario("test_client", Plan(), instead_of_server="test-client")
def client_twice(run: ServerProcess) -> None:
    """The framework's own test client, twice."""
    run.wait_end(START_SECONDS)


@scenario(
    "test_client_failing",
    Plan(brokers=(BrokerPlan("first"), BrokerPlan("second", start="fail"))),
    instead_of_server="test-client",
)
def client_of_a_failing_broker(run: ServerProcess) -> None:
    """The framework's own test client, with a broker that does not start."""
    run.wait_end(START_SECONDS)


@scenario(
    "failed_lifespan",
    Plan(
        brokers=(
            BrokerPlan("first", stop="slow"),
            BrokerPlan("second", start="fail", stop="fail"),
        )
    ),
    instead_of_server="lifespan",
)
def lifespan_of_a_failing_broker(run: ServerProcess) -> None:
    """The application's ASGI lifespan, by hand, with a broker that does not start."""
    run.wait_end(START_SECONDS)
