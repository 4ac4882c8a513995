"""The commands of docs/cli.md and docs/deployment.md."""

from __future__ import annotations

import re
import shlex
import signal
import time
from pathlib import Path

import httpx
import pytest

from docs_src.cli import orders, web
from tests.adapters.serving import free_port
from tests.cli.processes import PATIENCE, anystream, running

PROJECT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| [\w, ]+ \| `([^`]+ web:app [^`]+)` \|$", re.MULTILINE)
COMMANDS = ROW.findall((PROJECT / "docs" / "deployment.md").read_text())
FOLDER = Path(web.__file__).parent
STARTED = """

@app.after_startup
async def show() -> None:
    print("a worker is up", flush=True)
"""

pytestmark = pytest.mark.memory


def test_all_servers_are_shown() -> None:
    """One row for each server."""
    names = [command.split()[0] for command in COMMANDS]
    assert names == ["anystream", "uvicorn", "gunicorn", "granian", "hypercorn"]


@pytest.mark.parametrize("shown", COMMANDS, ids=lambda command: command.split()[0])
def test_server(shown: str, tmp_path: Path) -> None:
    """It starts, answers that the application is ready, and ends at SIGTERM."""
    port = free_port()
    name, *words = shlex.split(shown.replace("8000", str(port)))
    (tmp_path / "web.py").write_text((FOLDER / "web.py").read_text() + STARTED)
    module = "anystream.cli" if name == "anystream" else name
    with running(tmp_path, "-m", module, *words) as server:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=10)
                break
            except httpx.TransportError:
                assert server.process.poll() is None, server.log
                assert time.monotonic() < deadline, server.log
                time.sleep(0.1)
        assert answer.status_code == 200, answer.text
        assert answer.json()["brokers"][0]["name"] == type(web.broker).__name__
        # gunicorn and granian lose a SIGTERM that comes while one of their workers is starting
        server.until("a worker is up", 2)
        server.send(signal.SIGTERM)
        assert server.code() in (0, -signal.SIGTERM), server.log
        server.until_group_is_gone()


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
