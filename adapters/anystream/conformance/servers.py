"""The servers that applications are deployed on, and what each of them cannot do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from anystream.conformance.plan import Order

SERVED = "anystream.conformance.served_app:app"


@dataclass(frozen=True)
class Server:
    """One way to serve an application.

    Args:
        name: the name in the table.
        command: makes the command line for an order.
        workers: how many worker processes it starts unless the plan asks for more.
        ready_line: what it prints for each worker that takes signals, if it says so.
        settling: seconds that several workers need after that before a signal is safe.
        only: the scenarios that are tried on it; all when empty.
        closed: behaviours that the server makes impossible, with the reason.
        absent: behaviours that cannot be tried on it, with the reason.
    """

    name: str
    command: Callable[[Order], list[str]]
    workers: int = 1
    ready_line: str = ""
    settling: float = 0.3
    only: tuple[str, ...] = ()
    closed: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


def _uvicorn(order: Order) -> list[str]:
    command = [sys.executable, "-m", "uvicorn", SERVED, "--port", str(order.port)]
    command += ["--log-level", "warning", "--timeout-graceful-shutdown", "5"]
    if order.plan.workers > 1:
        command += ["--workers", str(order.plan.workers)]
    return command if order.plan.lifespan else [*command, "--lifespan", "off"]


def _hypercorn(order: Order) -> list[str]:
    command = [sys.executable, "-m", "hypercorn", SERVED, "--bind", f"127.0.0.1:{order.port}"]
    return [*command, "--workers", str(order.plan.workers), "--graceful-timeout", "5"]


def _granian(order: Order) -> list[str]:
    interface = "asgi" if order.plan.lifespan else "asginl"
    command = [sys.executable, "-m", "granian", SERVED, "--interface", interface]
    command += ["--host", "127.0.0.1", "--port", str(order.port), "--log-level", "warning"]
    return [*command, "--workers", str(order.plan.workers)]


def _gunicorn_aiohttp(order: Order) -> list[str]:
    command = [sys.executable, "-m", "gunicorn", SERVED, "--bind", f"127.0.0.1:{order.port}"]
    command += ["--worker-class", "aiohttp.GunicornWebWorker", "--log-level", "warning"]
    return [*command, "--workers", str(order.plan.workers), "--graceful-timeout", "5"]


def _child(order: Order) -> list[str]:
    return [sys.executable, "-m", "anystream.conformance.child"]


HYPERCORN_CODES = {"client_close_codes": "hypercorn reports 1006 whatever the client said"}
SANIC_SIGNALS = "Sanic handles signals only when its start listeners are done"
ONE_PROCESS = {"workers": "this server is one process"}

SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server("uvicorn", _uvicorn),
        Server(
            "hypercorn",
            _hypercorn,
            ready_line="Running on",
            closed={
                "start_failure_exit_code": "hypercorn exits with 0 when an application fails",
                **HYPERCORN_CODES,
            },
            absent={
                "lifespan_off": "hypercorn has no such option",
                "orderly_worker_stops": "hypercorn kills its workers once one of them has ended",
            },
        ),
        Server("granian", _granian),
        Server(
            "aiohttp",
            _child,
            absent={**ONE_PROCESS, "lifespan_off": "the runner always runs the hooks"},
        ),
        Server(
            "gunicorn-aiohttp",
            _gunicorn_aiohttp,
            absent={"lifespan_off": "the worker always runs the hooks"},
        ),
        Server(
            "sanic",
            _child,
            ready_line="Worker ready",
            settling=0.5,  # its manager polls for its workers, and hangs when it misses one
            closed={"signals_while_starting": SANIC_SIGNALS},
            absent={"lifespan_off": "the server always runs the listeners"},
        ),
        Server(
            "sanic-2-workers",
            _child,
            workers=2,
            only=("serving", "cycle", "failed_start", "bad_stop", "two_workers"),
            ready_line="Worker ready",
            settling=0.5,  # its manager polls for its workers, and hangs when it misses one
            closed={"signals_while_starting": SANIC_SIGNALS},
            absent={"lifespan_off": "the server always runs the listeners"},
        ),
        Server(
            "quart",
            _child,
            closed=HYPERCORN_CODES,
            absent={**ONE_PROCESS, "lifespan_off": "Quart's server always runs the lifespan"},
        ),
    )
}
