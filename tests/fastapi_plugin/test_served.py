"""The plugin on real servers, and on the oldest and the latest FastAPI."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

PROJECT = Path(__file__).resolve().parents[2]
ROOTS = os.pathsep.join(str(PROJECT / it) for it in ("", "broker_core", "asgi", "adapters"))
COMMANDS = {
    "uvicorn": "uvicorn --log-level error --port {port} {app}",
    "granian": "granian --interface asgi --log-level error --port {port} {app}",
}


@pytest.mark.nats
@pytest.mark.parametrize("server", COMMANDS)
def test_http_and_messages_in_one_process(server: str, nats_url: str) -> None:
    """A request is published, handled, published on, and answered with what came of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = "tests.fastapi_plugin.served_app:app"
    command = COMMANDS[server].format(port=port, app=app).split()
    environment = {
        **os.environ,
        "NATS": nats_url,
        "SUBJECT": f"fastapi-{uuid4().hex[:8]}",
        "PYTHONPATH": ROOTS,
    }
    process = subprocess.Popen([sys.executable, "-m", *command], env=environment, cwd=PROJECT)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            wait_for(client, process)
            answer = client.post("/orders", json={"name": "tea"})
            assert (answer.status_code, answer.json()) == (200, "TEA")
            assert "SubscribeMessage" in client.get("/asyncapi.json").text
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)


def wait_for(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    """Returns when the server answers."""
    for _ in range(400):
        assert process.poll() is None, "the server gave up"
        try:
            client.get("/openapi.json")
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError


@pytest.mark.slow
@pytest.mark.parametrize("version", ["fastapi==0.115.2", "fastapi"])
def test_oldest_and_latest_fastapi(version: str, tmp_path: Path) -> None:
    """What `framework.py` takes from FastAPI is there in both, and means the same."""
    python = tmp_path / "venv" / "bin" / "python"
    needed = [version, "fast-depends[pydantic]", "pytest", "pytest-asyncio", "asgi-lifespan"]
    needed += ["httpx", "pyyaml", "typing-extensions"]
    if uv := shutil.which("uv"):
        run([uv, "venv", "-q", "-p", sys.executable, str(tmp_path / "venv")])
        run([uv, "pip", "install", "-q", "-p", str(python), *needed])
    else:
        run([sys.executable, "-m", "venv", str(tmp_path / "venv")])
        run([str(python), "-m", "pip", "install", "-q", *needed])
    settings = tmp_path / "pytest.ini"
    settings.write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
        "markers =\n  memory: m\n  nats: m\n  redis: m\n  rabbit: m\n  kafka: m\n  confluent: m\n"
    )
    here = Path(__file__).parent
    tests = [str(path) for path in sorted(here.glob("test_plugin_*.py"))]
    where = ["-c", str(settings), f"--rootdir={here}", f"--confcutdir={here}"]
    run([str(python), "-m", "pytest", "-q", *where, "-p", "no:cacheprovider", *tests])


def run(command: list[str]) -> None:
    """Runs a command; its output is the error when it fails."""
    environment = {**os.environ, "PYTHONPATH": ROOTS}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        command, env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
