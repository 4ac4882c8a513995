"""Sanic: order of start and stop, failures, workers, broker access, errors of `setup`."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sanic import HTTPResponse, Request, Sanic, text

from anystream.asgi.types import Receive, Scope, Send
from anystream.core.exceptions import NotStarted, SetupError
from anystream.sanic import get_broker, setup
from tests.adapters.serving import child, free_port, wait_until_answering
from tests.recording_broker import OtherBroker, RecordingBroker, RecordingStream

_numbers = itertools.count()


def new_app() -> Any:
    return Sanic(f"test_{next(_numbers)}")


async def show(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with root_path and path."""
    body = f"{scope['root_path']} {scope['path']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class Server:
    """The journal application in a child process."""

    def __init__(self, process: subprocess.Popen[str], port: int, folder: Path) -> None:
        self.process, self.url = process, f"http://127.0.0.1:{port}"
        self._journal, self._log = folder / "journal", folder / "log"

    @property
    def journal(self) -> list[tuple[str, str]]:
        """Pairs of a line and the process that wrote it."""
        if not self._journal.exists():
            return []
        lines = self._journal.read_text().splitlines()
        return [(line.rpartition(" ")[0], line.rpartition(" ")[2]) for line in lines]

    @property
    def lines(self) -> list[str]:
        return [line for line, _ in self.journal]

    @property
    def log(self) -> str:
        return self._log.read_text()

    def terminate(self) -> int:
        """SIGTERM; returns the exit code.

        Right after its first requests a Sanic worker ignores signals, so those that go on are
        asked again.
        """
        self.process.terminate()
        for _ in range(10):
            try:
                return self.process.wait(5)
            except subprocess.TimeoutExpired:
                self._ask_again()
        raise TimeoutError(self.log)

    def _ask_again(self) -> None:
        stopping = {process for line, process in self.journal if line == "broker.stop"}
        for process in {process for _, process in self.journal} - stopping:
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGTERM)

    def wait_for_workers(self, number: int) -> None:
        """A SIGTERM that comes before a worker is ready is lost; one that comes before the
        manager knows that they are ready hangs the manager."""
        deadline = time.monotonic() + 60
        managed = ["Workers acknowledged"] if number > 1 else []
        expected = ["Worker ready"] * number + managed
        while any(self.log.count(line) < expected.count(line) for line in expected):
            if time.monotonic() > deadline:
                raise TimeoutError(self.log)
            time.sleep(0.02)


@contextmanager
def running(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, workers: int = 1, fail: str = ""
) -> Iterator[Server]:
    monkeypatch.setenv("JOURNAL", str(folder / "journal"))
    monkeypatch.setenv("FAIL", fail)
    port = free_port()
    arguments = str(port), str(workers)
    with child("tests.adapters.sanic_journal", *arguments, log=folder / "log") as process:
        server = Server(process, port, folder)
        if fail != "start":
            wait_until_answering(process, port)
            server.wait_for_workers(workers)
        yield server


async def fetch(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_one_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers start after the user's start listeners and stop before the user's stop listeners."""
    with running(tmp_path, monkeypatch) as server:
        assert await fetch(server.url + "/publish") == (200, "ok")
        async with (
            aiohttp.ClientSession(server.url) as session,
            session.ws_connect("/ws") as socket,
        ):
            assert await socket.receive_str() == "broker"
        code = server.terminate()
    assert server.lines == [
        *["user start", "broker.start", "broker.publish order"],
        *["broker.stop", "user stop"],
    ]
    assert code == 0


async def test_two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker starts and stops its own broker; the parent has none."""
    with running(tmp_path, monkeypatch, workers=2) as server:
        assert await fetch(server.url + "/publish") == (200, "ok")
        server.terminate()
    journal = [entry for entry in server.journal if "publish" not in entry[0]]
    processes = {process for _, process in journal}
    assert len(processes) == 2
    assert str(server.process.pid) not in processes
    for process in processes:
        lines = [line for line, of in journal if of == process]
        assert lines == ["user start", "broker.start", "broker.stop", "user stop"]


def test_a_failed_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends with code 1, shows that very error, and never answers."""
    with running(tmp_path, monkeypatch, fail="start") as server:
        code = server.process.wait(60)
    assert code == 1
    assert "BrokerDown: down" in server.log
    assert server.lines == ["user start", "broker.start", "broker.stop"]


def test_a_failed_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged and nothing else: no hook runs twice or not at all."""
    with running(tmp_path, monkeypatch, fail="stop") as server:
        code = server.terminate()
    assert server.lines == ["user start", "broker.start", "broker.stop", "user stop"]
    assert "stuck" in server.log
    assert code == 0


async def test_open_websockets_do_not_block_the_exit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bridged websocket is closed with 1001 on both sides when the server stops."""
    with running(tmp_path, monkeypatch) as server:
        async with (
            aiohttp.ClientSession(server.url) as session,
            session.ws_connect("/mnt") as socket,
        ):
            server.process.terminate()
            assert (await socket.receive()).data == 1001
        assert server.process.wait(30) == 0
    stopped = server.lines.index("broker.stop")
    assert "websocket.disconnect 1001" in server.lines[:stopped]


@pytest.mark.filterwarnings("ignore:.*Passing the loop argument to listeners")
def test_the_broker_in_handlers() -> None:
    """By request and by application, by type among several; Sanic's own test client."""
    app, one, two = new_app(), RecordingBroker("one"), OtherBroker("two")

    @app.get("/names")
    async def names(request: Request) -> HTTPResponse:
        brokers = get_broker(request), get_broker(request, OtherBroker), get_broker(app)
        return text(" ".join(broker.name for broker in brokers))

    hosted = setup(app, RecordingStream(one, two), asgi_routes=[("/mnt", show)])
    assert app.ctx.anystream is hosted
    with pytest.raises(NotStarted, match="never started"):
        get_broker(app)
    assert app.test_client.get("/names")[1].text == "one two one"
    assert app.test_client.get("/mnt/x")[1].text == "/mnt /mnt/x"
    with pytest.raises(NotStarted, match="stopped"):
        get_broker(app)


async def test_asgi_client() -> None:
    """Sanic's ASGI test client runs the brokers too."""
    app, broker = new_app(), RecordingBroker()

    @app.get("/name")
    async def name(request: Request) -> HTTPResponse:
        return text(get_broker(request).name)

    setup(app, broker)
    _, response = await app.asgi_client.get("/name")
    assert response.text == "broker"
    assert broker.journal == ["broker.start", "broker.stop"]


def test_the_broker_of_an_application_without_setup() -> None:
    """The error says what to call."""
    with pytest.raises(NotStarted, match=r"anystream\.sanic\.setup\(app, stream\)"):
        get_broker(new_app())


@pytest.mark.filterwarnings("ignore:.*Passing the loop argument to listeners")
def test_paths_with_like_names() -> None:
    """Paths that differ in their punctuation only are different mounts."""
    app = new_app()
    paths = ["/a/b", "/a_b", "/a-b.json"]
    setup(app, RecordingBroker(), asgi_routes=[(path, show) for path in paths])
    for path in paths:
        assert app.test_client.get(path)[1].text == f"{path} {path}"


def test_setup_twice() -> None:
    """An error of our own."""
    app = new_app()
    setup(app, RecordingBroker())
    with pytest.raises(SetupError, match="called twice"):
        setup(app, RecordingBroker())


@pytest.mark.filterwarnings("ignore:.*Passing the loop argument to listeners")
def test_setup_after_the_start() -> None:
    """Too late is an error of our own."""
    app = new_app()
    app.get("/")(lambda request: text(""))
    app.test_client.get("/")
    with pytest.raises(SetupError, match="had started"):
        setup(app, RecordingBroker())


@pytest.mark.parametrize("path", ["/mnt", "/mnt/"])
def test_a_taken_path(path: str) -> None:
    """A mount at a path of the user's own is refused and changes nothing."""
    app = new_app()
    app.post(path)(lambda request: text(""))
    with pytest.raises(SetupError, match="'/mnt' is taken"):
        setup(app, RecordingBroker(), asgi_routes=[("/other", show), ("/mnt", show)])
    assert len(app.router.routes) == 1
    assert not hasattr(app.ctx, "anystream")


def test_the_wrong_application() -> None:
    """Something that is not a Sanic application is named in the error."""
    with pytest.raises(SetupError, match=r"sanic\.app\.Sanic"):
        setup(object(), RecordingBroker())  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:.*Passing the loop argument to listeners")
def test_mounts_are_not_in_the_openapi_document() -> None:
    """sanic-ext's OpenAPI shows the user's routes and not the bridge's."""
    app = new_app()
    app.get("/openapi-shown")(lambda request: text(""))
    setup(app, RecordingBroker(), asgi_routes=[("/openapi-hidden", show)])
    document = app.test_client.get("/docs/openapi.json")[1].json
    paths = list(document["paths"])  # sanic-ext has one document per process
    assert "/openapi-shown" in paths
    assert not [path for path in paths if "openapi-hidden" in path]
