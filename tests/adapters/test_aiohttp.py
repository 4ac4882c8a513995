"""aiohttp: order of start and stop, failures, broker access, errors of `setup`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from anystream.aiohttp import STREAM, get_broker, setup
from anystream.asgi.types import Receive, Scope, Send
from anystream.core.exceptions import NotStarted, SetupError
from tests.adapters.serving import ROOT, free_port, wait_until_answering
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker, RecordingStream

Journal = list[str]


def with_hooks(journal: Journal) -> web.Application:
    """An application whose own hooks write to the journal."""
    app = web.Application()

    async def context(_: web.Application) -> AsyncIterator[None]:
        journal.append("context enter")
        yield
        journal.append("context exit")

    async def startup(_: web.Application) -> None:
        journal.append("on_startup")

    async def cleanup(_: web.Application) -> None:
        journal.append("on_cleanup")

    app.cleanup_ctx.append(context)
    app.on_startup.append(startup)
    app.on_cleanup.append(cleanup)
    return app


@asynccontextmanager
async def served(app: web.Application, **site: Any) -> AsyncIterator[str]:
    """The application behind a socket; yields its address."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port, **site).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def show(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with root_path and path."""
    body = f"{scope['root_path']} {scope['path']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def hold(scope: Scope, receive: Receive, send: Send) -> None:
    """A websocket that stays open."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


async def test_last_to_start_first_to_stop() -> None:
    """Brokers start after every start hook of the user and stop before every stop hook."""
    journal: Journal = []
    app = with_hooks(journal)
    stream = RecordingStream(RecordingBroker("a", journal), RecordingBroker("b", journal))
    setup(app, stream)
    async with served(app):
        journal.append("serving")
    assert journal == [
        *["context enter", "on_startup"],
        *["lifespan enter", "on_startup", "a.start", "b.start", "after_startup"],
        "serving",
        *["on_shutdown", "b.stop", "a.stop", "after_shutdown", "lifespan exit"],
        *["context exit", "on_cleanup"],
    ]


async def test_publish_only() -> None:
    """`consume=False` connects the broker and does not start it."""
    app, broker = web.Application(), RecordingBroker()
    setup(app, broker, consume=False)
    async with served(app):
        assert app[STREAM].broker is broker
    assert broker.journal == ["broker.connect", "broker.stop"]


async def test_a_failed_start_is_that_error_and_leaves_nothing_running() -> None:
    """The broker's own exception comes out; what had started is stopped."""
    journal: Journal = []
    down = BrokerDown("no server")
    app = with_hooks(journal)
    brokers = RecordingBroker("a", journal), RecordingBroker("b", journal, fail={"start": down})
    setup(app, RecordingStream(*brokers))
    with pytest.raises(BrokerDown) as caught:
        async with served(app):
            pass
    assert caught.value is down
    assert [line for line in journal if "stop" in line] == ["b.stop", "a.stop"]
    assert journal[-1] == "lifespan exit"
    assert not brokers[0].started


async def test_a_failed_stop_does_not_keep_the_users_hooks_from_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broker that cannot stop is logged; the user's stop hooks run."""
    journal: Journal = []
    app = with_hooks(journal)
    setup(app, RecordingBroker(journal=journal, fail={"stop": BrokerDown("stuck")}))
    async with served(app):
        pass
    assert journal[-3:] == ["broker.stop", "context exit", "on_cleanup"]
    assert "stuck" in caplog.text


async def test_requests_in_flight_still_have_the_broker() -> None:
    """The broker stops only when the last request is answered."""
    journal: Journal = []
    app, broker = web.Application(), RecordingBroker(journal=journal)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def publish(request: web.Request) -> web.Response:
        entered.set()
        await leave.wait()
        await get_broker(request).publish("order")
        return web.Response(text="ok")

    async def shutting_down(_: web.Application) -> None:
        leave.set()

    app.router.add_get("/", publish)
    app.on_shutdown.append(shutting_down)
    setup(app, broker)
    async with aiohttp.ClientSession() as session:
        async with served(app) as url:
            answer = asyncio.create_task(session.get(url))
            await entered.wait()
        assert (await answer).status == 200
    assert journal == ["broker.start", "broker.publish order", "broker.stop"]


async def test_work_after_an_answer_still_has_the_broker() -> None:
    """What a mounted callable does after its answer is waited for before the broker stops."""
    broker = RecordingBroker()
    release = asyncio.Event()

    async def afterwards(scope: Scope, receive: Receive, send: Send) -> None:
        await show(scope, receive, send)
        await release.wait()
        await broker.publish("afterwards")

    app = web.Application()
    setup(app, broker, asgi_routes=[("/mnt", afterwards)])
    async with served(app) as url:
        async with aiohttp.ClientSession() as session, session.get(url + "/mnt") as response:
            assert await response.text() == "/mnt /mnt"
        asyncio.get_running_loop().call_later(0.05, release.set)
    assert broker.journal == ["broker.start", "broker.publish afterwards", "broker.stop"]


async def test_the_broker_in_handlers() -> None:
    """In an HTTP handler, a websocket handler, a sub-application; by type among several."""
    one, two = RecordingBroker("one"), OtherBroker("two")
    app, sub = web.Application(), web.Application()

    async def names(request: web.Request) -> web.Response:
        brokers = get_broker(request), get_broker(request, OtherBroker)
        return web.Response(text=" ".join(broker.name for broker in brokers))

    async def websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(get_broker(request).name)
        await socket.close()
        return socket

    for place in (app, sub):
        place.router.add_get("/names", names)
        place.router.add_get("/ws", websocket)
    app.add_subapp("/sub", sub)
    setup(app, RecordingStream(one, two))
    with pytest.raises(NotStarted, match="never started"):
        get_broker(app)
    async with TestClient(TestServer(app)) as client:
        for prefix in ("", "/sub"):
            assert await (await client.get(prefix + "/names")).text() == "one two"
            async with client.ws_connect(prefix + "/ws") as socket:
                assert await socket.receive_str() == "one"
        assert get_broker(app) is one
        with pytest.raises(SetupError, match="no int"):
            get_broker(app, int)
    with pytest.raises(NotStarted, match="stopped"):
        get_broker(app)


def test_the_broker_of_an_application_without_setup() -> None:
    """The error says what to call."""
    with pytest.raises(NotStarted, match=r"anystream\.aiohttp\.setup\(app, stream\)"):
        get_broker(web.Application())


async def test_set_up_for_a_sub_application() -> None:
    """Its hooks run, its mounts get the outer prefix in root_path, its handlers its broker."""
    outer, sub = web.Application(), web.Application()
    broker = RecordingBroker()

    async def name(request: web.Request) -> web.Response:
        return web.Response(text=get_broker(request).name)

    sub.router.add_get("/name", name)
    setup(sub, broker, asgi_routes=[("/mnt", show)])
    outer.add_subapp("/api/", sub)
    async with TestClient(TestServer(outer)) as client:
        assert await (await client.get("/api/name")).text() == "broker"
        for path in ("/api/mnt", "/api/mnt/", "/api/mnt/x"):
            assert await (await client.get(path)).text() == f"/api/mnt {path}"
        assert (await client.get("/api/mntx")).status == 404
    assert broker.journal == ["broker.start", "broker.stop"]


async def test_the_users_more_specific_route_stays() -> None:
    """A route below a mount that is more specific is the user's."""
    app = web.Application()

    async def own(request: web.Request) -> web.Response:
        return web.Response(text="own")

    app.router.add_get("/mnt/own", own)
    setup(app, RecordingBroker(), asgi_routes=[("/mnt", show)])
    async with TestClient(TestServer(app)) as client:
        assert await (await client.get("/mnt/own")).text() == "own"
        assert await (await client.get("/mnt/else")).text() == "/mnt /mnt/else"


async def test_open_websockets_do_not_block_the_exit() -> None:
    """A bridged websocket is closed with 1001 when the application stops."""
    app = web.Application()
    setup(app, RecordingBroker(), asgi_routes=[("/mnt", hold)])
    async with aiohttp.ClientSession() as session:
        async with served(app) as url:
            socket = await session.ws_connect(url + "/mnt")
            closing = asyncio.create_task(socket.receive())
            stopped_from = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - stopped_from < 5
        assert (await closing).data == 1001
        await socket.close()


async def test_on_a_unix_socket(tmp_path: Path) -> None:
    """A client without an address has no `client` in the scope, and is served."""
    seen: list[Any] = []

    async def client_of(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"])
        await show(scope, receive, send)

    app = web.Application()
    setup(app, RecordingBroker(), asgi_routes=[("/mnt", client_of)])
    runner = web.AppRunner(app)
    await runner.setup()
    path = str(tmp_path / "socket")
    await web.UnixSite(runner, path).start()
    connector = aiohttp.UnixConnector(path)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get("http://x/mnt") as response,
    ):
        assert response.status == 200
    await runner.cleanup()
    assert seen == [None]


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        (lambda app: setup(app, RecordingBroker()), "called twice"),
        (lambda app: app.freeze(), "had started"),
        (lambda app: web.Application().add_subapp("/x", app), "had started"),
    ],
)
def test_setup_at_the_wrong_time(prepare: Any, text: str) -> None:
    """Twice, after the start, or after joining another application: an error of our own."""
    app = web.Application()
    prepare(app)
    with pytest.raises(SetupError, match=text):
        setup(app, RecordingBroker())


@pytest.mark.parametrize("path", ["/mnt", "/mnt/"])
def test_a_taken_path(path: str) -> None:
    """A mount at a path of the user's own is refused and changes nothing."""
    app = web.Application()
    app.router.add_view(path, web.View)
    before = len(app.router.resources())
    with pytest.raises(SetupError, match="'/mnt' is taken"):
        setup(app, RecordingBroker(), asgi_routes=[("/other", show), ("/mnt", show)])
    assert len(app.router.resources()) == before
    assert STREAM not in app


def test_the_wrong_application() -> None:
    """Something that is not an aiohttp application is named in the error."""
    with pytest.raises(SetupError, match=r"aiohttp\.web_app\.Application"):
        setup(object(), RecordingBroker())  # type: ignore[arg-type]


def test_setup_is_inert() -> None:
    """It needs no running loop and asks nothing of the broker."""
    broker = RecordingBroker()
    setup(web.Application(), broker, asgi_routes=[("/mnt", show)])
    assert broker.journal == []


RUN = """
import sys
from aiohttp import web
from anystream.aiohttp import setup
from tests.recording_broker import BrokerDown, RecordingBroker
class Printed(list):
    def append(self, line): print(line, flush=True)
app = web.Application()
async def context(app):
    print("context enter", flush=True)
    try:
        yield
    finally:
        print("context exit", flush=True)
app.cleanup_ctx.append(context)
fail = {"start": BrokerDown("no server")} if sys.argv[2] == "fail" else {}
setup(app, RecordingBroker(journal=Printed(), fail=fail))
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


def run_app(port: int, mode: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", RUN, str(port), mode]
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def test_run_app_and_sigterm() -> None:
    """The real server: brokers stop before the user's context on SIGTERM, exit code 0."""
    port = free_port()
    with run_app(port, "ok") as process:
        wait_until_answering(process, port)
        os.kill(process.pid, signal.SIGTERM)
        printed, errors = process.communicate(timeout=15)
    assert printed.split("\n")[:-1] == [
        *["context enter", "broker.start"],
        *["broker.stop", "context exit"],
    ]
    assert (process.returncode, errors) == (0, "")


def test_run_app_with_a_broker_that_is_down() -> None:
    """The process ends with code 1 and that very error, and stopped what it had started."""
    with run_app(free_port(), "fail") as process:
        printed, errors = process.communicate(timeout=15)
    assert printed.split("\n")[:3] == ["context enter", "broker.start", "broker.stop"]
    assert process.returncode == 1
    assert "BrokerDown: no server" in errors
