"""The commands of docs/cli.md, docs/deployment.md and docs/asgi.md."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from docs_src.cli import orders, web
from tests.adapters.serving import free_port
from tests.cli.processes import PATIENCE, Command, anystream, running

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROW = re.compile(r"^\| [\w, ]+ \| `([^`]+ web:app [^`]+)` \|$", re.MULTILINE)
COMMANDS = ROW.findall((DOCS / "deployment.md").read_text())
IN_ASGI = re.findall(r"^\w.* app:app .*$", (DOCS / "asgi.md").read_text(), re.MULTILINE)
RUNS = re.findall(r"^anystream run web:app .*$", (DOCS / "cli.md").read_text(), re.MULTILINE)
PUBLISHES = re.findall(r"^anystream publish .*$", (DOCS / "cli.md").read_text(), re.MULTILINE)
FOLDER = Path(web.__file__).parent
STARTED = """

@app.after_startup
async def show() -> None:
    print("a worker is up", flush=True)
"""
SHOP = """
from anystream.core import FastStream
from anystream.nats import NatsBroker

broker = NatsBroker({url!r})
app = FastStream(broker)


@broker.subscriber({subject!r})
async def order(body: dict[str, str]) -> str:
    print("got", body, flush=True)
    return f"thanks for {{body['item']}}"
"""


def test_all_are_found() -> None:
    """One row for each server, and the examples of the other pages."""
    names = [command.split()[0] for command in COMMANDS]
    assert names == ["anystream", "uvicorn", "gunicorn", "gunicorn", "granian", "hypercorn"]
    assert (len(IN_ASGI), len(RUNS), len(PUBLISHES)) == (2, 3, 2)


@pytest.mark.memory
@pytest.mark.parametrize("shown", COMMANDS + IN_ASGI, ids=lambda command: command.split()[0])
def test_server(shown: str, tmp_path: Path) -> None:
    """It starts, answers that the application is ready, and ends at SIGTERM."""
    port = free_port()
    name, *words = shlex.split(shown.replace("8000", str(port)))
    (tmp_path / "web.py").write_text((FOLDER / "web.py").read_text() + STARTED)
    (tmp_path / "app.py").write_text("from web import *\n")
    module = "anystream.cli" if name == "anystream" else name
    with running(tmp_path, "-m", module, *words) as server:
        answer = ready(server, httpx.HTTPTransport(), port)
        assert answer.status_code == 200, answer.text
        assert answer.json()["brokers"][0]["name"] == type(web.broker).__name__
        # gunicorn and granian lose a SIGTERM that comes while one of their workers is starting
        server.until("a worker is up", 2 if "--workers" in words else 1)
        server.send(signal.SIGTERM)
        assert server.code() in (0, -signal.SIGTERM), server.log
        server.until_group_is_gone()


def ready(server: Command, transport: httpx.HTTPTransport, port: int = 80) -> httpx.Response:
    """What the application answers as soon as it is there."""
    deadline = time.monotonic() + PATIENCE
    with httpx.Client(transport=transport, timeout=10) as client:
        while True:
            try:
                return client.get(f"http://127.0.0.1:{port}/ready")
            except httpx.TransportError:
                assert server.process.poll() is None, server.log
                assert time.monotonic() < deadline, server.log
                time.sleep(0.1)


@pytest.mark.memory
@pytest.mark.parametrize("shown", RUNS)
def test_addresses(shown: str, tmp_path: Path) -> None:
    """Each address of the examples answers."""
    (tmp_path / "web.py").write_text((FOLDER / "web.py").read_text())
    path = tmp_path / "s"
    with socket.socket() as inherited:
        inherited.bind(("127.0.0.1", 0))
        number, port = inherited.fileno(), free_port()
        shown = shown.replace("8000", str(port)).replace("/run/shop.sock", str(path))
        _, *words = shlex.split(shown.replace("fd://3", f"fd://{number}"))
        with running(tmp_path, *anystream(*words), pass_fds=(number,)) as command:
            assert ready(command, httpx.HTTPTransport(), port).status_code == 200
            if "fd://" in shown:
                other = inherited.getsockname()[1]
                assert ready(command, httpx.HTTPTransport(), other).status_code == 200
            if "unix:" in shown:
                assert ready(command, httpx.HTTPTransport(uds=str(path))).status_code == 200
            command.send(signal.SIGTERM)
            assert command.code() == 0
            command.until_group_is_gone()


@pytest.mark.nats
def test_publish(tmp_path: Path, nats_url: str) -> None:
    """The examples reach a running application; `--rpc` shows its answer."""
    subject = f"docs-{uuid4().hex}"
    (tmp_path / "shop.py").write_text(SHOP.format(url=nats_url, subject=subject))
    with running(tmp_path, *anystream("run", "shop:app")) as command:
        command.until("started successfully")
        for count, shown in enumerate(PUBLISHES, 1):
            # three seconds are enough, but not on a machine that does other things
            text = shown.replace("orders", subject).replace("--timeout 3", f"--timeout {PATIENCE}")
            with running(tmp_path, *anystream(*shlex.split(text)[1:])) as publish:
                assert publish.code() == 0, publish.log
                assert ("thanks for tea" in publish.log) == ("--rpc" in shown)
            command.until("got {'item': 'tea'}", count)
        command.send(signal.SIGTERM)
        assert command.code() == 0


@pytest.mark.memory
def test_orders(tmp_path: Path) -> None:
    """The extra option reaches the hook of the application."""
    assert orders.seen == []
    (tmp_path / "shop.py").write_text(Path(orders.__file__).read_text() + "\n" + (
        "@app.after_startup\nasync def show() -> None:\n    print(seen, flush=True)\n"
    ))  # fmt: skip
    with running(tmp_path, *anystream("run", "shop:app", "--env", "prod")) as command:
        command.until("[('prod', None)]")
        command.send(signal.SIGTERM)
        assert command.code() == 0
