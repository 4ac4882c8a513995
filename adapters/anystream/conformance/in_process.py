"""The checks that need no server: misuse of `setup`, the frameworks' own test clients, and an
ASGI lifespan by hand."""

from __future__ import annotations

import asyncio
import logging
import queue
import time
import traceback
from collections.abc import Callable
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from anystream.conformance.host import Host, load_host
from anystream.conformance.journal import Journal
from anystream.conformance.plan import Order
from anystream.conformance.probe_app import ProbeApp
from anystream.conformance.recording import RecordingBroker
from anystream.conformance.served import build_application, make_stream
from anystream.conformance.user_code import UserCode

ROUNDS = 2
TEST_CLIENT_SECONDS = 8.0


async def misuse(order: Order, journal: Journal) -> None:
    """Calls `setup` in every wrong way and writes down what it says."""
    host = load_host(order.host)
    stream = make_stream(order.plan, journal)
    probe = ProbeApp("probe", journal)
    wrong: dict[str, Callable[[], Any]] = {
        "twice": lambda: _twice(host, journal, stream),
        "no stream": lambda: _setup(host, journal, None),
        "text for a stream": lambda: _setup(host, journal, "nats://localhost"),
        "class for a stream": lambda: _setup(host, journal, RecordingBroker),
        "wrong application": lambda: host.setup(object(), stream),
        "path twice": lambda: _setup(host, journal, stream, asgi_routes=[("/p", probe)] * 2),
        "path without slash": lambda: _setup(host, journal, stream, asgi_routes=[("p", probe)]),
        "route not callable": lambda: _setup(host, journal, stream, asgi_routes=[("/p", 7)]),
        "zero start timeout": lambda: _setup(host, journal, stream, start_timeout=0),
        "negative stop timeout": lambda: _setup(host, journal, stream, stop_timeout=-1.0),
        "unknown option": lambda: _setup(host, journal, stream, asgi_route=[]),
        "right after wrong": lambda: _right_after_wrong(host, journal, stream),
        "require before start": lambda: _setup(host, journal, stream).require(),
    }
    for name, call in wrong.items():
        _report(journal, name, call)


def _setup(host: Host, journal: Journal, stream: Any, **options: Any) -> Any:
    return host.setup(host.make_app(UserCode(journal)), stream, **options)


def _twice(host: Host, journal: Journal, stream: Any) -> None:
    app = host.make_app(UserCode(journal))
    host.setup(app, stream)
    host.setup(app, stream)


def _right_after_wrong(host: Host, journal: Journal, stream: Any) -> None:
    app = host.make_app(UserCode(journal))
    try:
        host.setup(app, None)
    except Exception:
        host.setup(app, stream)


def _report(journal: Journal, name: str, call: Callable[[], Any]) -> None:
    try:
        call()
    except Exception as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        journal.write("misuse", case=name, error=names, text=str(error))
    else:
        journal.write("misuse", case=name, error=[], text="")


def test_client(order: Order, journal: Journal) -> None:
    """Runs one application twice under the framework's own test client."""
    host = load_host(order.host)
    app = build_application(order, journal)
    for number in range(ROUNDS):
        try:
            asyncio.run(asyncio.wait_for(_round(host, app, journal, number), TEST_CLIENT_SECONDS))
        except BaseException as error:
            text = "".join(traceback.format_exception(error))
            journal.write("client.error", round=number, text=text)


async def _round(host: Host, app: Any, journal: Journal, number: int) -> None:
    if host.test_client is None:
        journal.write("client.none")
        return
    async with host.test_client(app) as client:
        journal.write("client.entered", round=number)
        journal.write("client.answer", round=number, text=await client.get("/user/broker"))
    journal.write("client.left", round=number)


class _SlowHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        time.sleep(0.05)


class _StartFailed(Exception):
    """What a server raises in `send`, as hypercorn does."""


async def failed_lifespan(order: Order, journal: Journal) -> None:
    """Runs the ASGI lifespan of an application that cannot start, as a server does that looks at
    once whether it has ended. What is logged is written from a thread, a little later."""
    app = build_application(order, journal)
    records: queue.Queue[Any] = queue.Queue()
    logging.getLogger().addHandler(QueueHandler(records))
    listener = QueueListener(records, _SlowHandler())
    listener.start()
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    inbox.put_nowait({"type": "lifespan.startup"})
    told = asyncio.Event()

    async def send(message: Any) -> None:
        journal.write("lifespan.said", type=message["type"])
        told.set()
        if message["type"] == "lifespan.startup.failed":
            logging.getLogger("server").error("The application did not start")
            raise _StartFailed

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    lifespan = asyncio.ensure_future(app(scope, inbox.get, send))
    await asyncio.wait(
        {lifespan, asyncio.ensure_future(told.wait())},
        timeout=TEST_CLIENT_SECONDS,
        return_when=asyncio.FIRST_COMPLETED,
    )
    journal.write("lifespan.over", over=lifespan.done())
    lifespan.cancel()
    await asyncio.wait({lifespan})
    listener.stop()
