"""`anystream run` in processes of its own, with real signals."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.adapters.serving import free_port
from tests.cli.processes import anystream, running

APP = """
import asyncio, os, sys
from anystream.core import FastStream
from anystream.memory import MemoryBroker

broker = MemoryBroker()
app = FastStream(broker)


@broker.subscriber("work")
async def work(seconds: float) -> None:
    print("took", flush=True)
    await asyncio.sleep(seconds)
    print("done", flush=True)


@app.on_startup
async def show(worker_id: int | None, env: str = "-", port: int = 0) -> None:
    print(f"worker={worker_id} pid={os.getpid()} env={env} port={port}", flush=True)


@app.after_startup
async def begin() -> None:
    seconds = float(os.environ.get("SECONDS", "0"))
    if seconds:
        asyncio.create_task(broker.publish(seconds, "work"))
    print("up", flush=True)


@app.after_shutdown
async def end() -> None:
    print("bye", flush=True)


def make() -> FastStream:
    return app
"""
WEB = """
import os
from anystream.asgi import AsgiFastStream, AsgiResponse, get
from anystream.memory import MemoryBroker

app = AsgiFastStream(MemoryBroker())


@get
async def pid(scope):
    return AsgiResponse(str(os.getpid()).encode())


app.mount("/pid", pid)


@app.after_shutdown
async def end() -> None:
    print("bye", flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with applications."""
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "web.py").write_text(WEB)
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_messages_finish(project: Path, number: int) -> None:
    """The message in hand is done, the hooks run, the exit code is 0."""
    with running(
        project, *anystream("run", "shop:app", "--env", "dev", "--port=9"), env={"SECONDS": "1"}
    ) as command:
        command.until("took")
        command.send(number)
        assert command.code() == 0
        log = command.log
        assert "worker=None" in log
        assert "env=dev port=9" in log
        assert log.index("took") < log.index("done") < log.index("bye")
        assert "started successfully" in log
        assert "shut down gracefully" in log


def test_second_ctrl_c(project: Path) -> None:
    """It ends at once; the message in hand is not done."""
    with running(project, *anystream("run", "shop:app"), env={"SECONDS": "60"}) as command:
        command.until("took")
        command.type_ctrl_c()
        command.until("shutting down")
        command.type_ctrl_c()
        assert command.code() == 130
        assert "done" not in command.log


def test_workers(project: Path) -> None:
    """Each has its number; one that is killed comes again; messages in hand finish at the end."""
    with running(
        project, *anystream("run", "-w", "2", "shop:make", "-f"), env={"SECONDS": "1"}
    ) as command:
        log = command.until("took", 2)
        assert "worker=0" in log
        assert "worker=1" in log
        victim = int(log.split("worker=1 pid=")[1].split()[0])
        os.kill(victim, signal.SIGKILL)
        log = command.until("took", 3)
        assert log.count("worker=1") == 2
        line = f"Worker 1 (pid:{victim}) exited with code -9. Perhaps out of memory?"
        assert line in log
        command.type_ctrl_c()
        assert command.code() == 0
        assert command.log.count("bye") == 2
        # only what the killed process had in hand may be missing
        assert command.log.count("done\n") >= command.log.count("took\n") - 1
        assert "Traceback" not in command.log
        command.until_group_is_gone()


def test_signals_to_the_whole_group(project: Path) -> None:
    """As systemd and a closed terminal send them: workers hear twice, and finish what they have."""
    with running(
        project, *anystream("run", "shop:app", "-w", "2"), env={"SECONDS": "2"}
    ) as command:
        command.until("took", 2)
        os.killpg(command.process.pid, signal.SIGHUP)
        command.until("Process successfully reloaded")
        command.until("took", 4)
        os.killpg(command.process.pid, signal.SIGTERM)
        # the parent has told the workers, too
        command.until("Stopping child process", 4)
        assert command.code() == 0
        command.until_group_is_gone()
        log = command.log
    assert log.count("done\n") == log.count("took\n") == 4
    assert log.count("bye") == 4
    assert "resource_tracker" not in log


def test_hangup_restarts_workers(project: Path) -> None:
    """One after the other, with the new code; and the parent's death ends them."""
    with running(project, *anystream("run", "shop:app", "-w", "2")) as command:
        command.until("up\n", 2)
        (project / "shop.py").write_text(APP.replace('"up"', '"new up"'))
        command.send(signal.SIGHUP)
        command.until("Process successfully reloaded")
        assert command.log.count("new up") == 2
        command.process.kill()
        command.process.wait()
        command.until_group_is_gone()
        assert command.log.count("bye") == 4


def test_crash_loop(project: Path) -> None:
    """Workers that cannot start end the command with 1, after a few attempts."""
    (project / "bad.py").write_text(APP + "\nif __import__('multiprocessing').parent_process():"
                                    "\n    raise RuntimeError('not today')\n")  # fmt: skip
    with running(project, *anystream("run", "bad:app", "--workers", "2")) as command:
        assert command.code() == 1
        assert "5 times in a row soon after its start: giving up" in command.log
        assert "RuntimeError: not today" in command.log
        command.until_group_is_gone()


def test_workers_that_hang_are_killed(project: Path) -> None:
    """All within one deadline; a second signal does not wait for it either."""
    hang = "import signal\nfrom shop import *\n@app.on_shutdown\ndef hang():\n    " \
        "import time\n    print('hangs', flush=True)\n    time.sleep(600)\n"  # fmt: skip
    (project / "hang.py").write_text(hang)
    words = anystream("run", "hang:app", "-w", "2", "--stop-timeout")
    with running(project, *words, "1") as command:
        command.until("up\n", 2)
        command.send(signal.SIGTERM)
        assert command.code() == 1
        assert command.log.count("did not stop in time and was killed") == 2
        command.until_group_is_gone()
    with running(project, *words, "500") as command:
        command.until("up\n", 2)
        command.type_ctrl_c()
        command.until("hangs", 2)
        command.type_ctrl_c()
        assert command.code() == 130
        command.until_group_is_gone()


def test_reload(project: Path) -> None:
    """A changed file starts the application again; one that does not start waits for the next."""
    with running(project, *anystream("run", "shop:app", "--reload", "--ext", "txt")) as command:
        command.until("up\n")
        (project / "note.txt").write_text("new")
        command.until("up\n", 2)
        (project / "shop.py").write_text("import missing_one\n")
        command.until("It starts again when a file changes.")
        (project / "shop.py").write_text(APP.replace('"up"', '"better"'))
        log = command.until("better")
        assert "No module named 'missing_one'" in log
        assert "note.txt" in log
        command.type_ctrl_c()
        assert command.code() == 0
        command.until_group_is_gone()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_asgi_binds(project: Path, workers: str) -> None:
    """Several addresses at once, one of them inherited; the file of the Unix socket goes."""
    port, path = free_port(), project / "s"
    with socket.socket() as inherited:
        inherited.bind(("127.0.0.1", 0))
        third = inherited.getsockname()[1]
        binds = [f"127.0.0.1:{port}", f"unix:{path}", f"fd://{inherited.fileno()}"]
        words = [word for bind in binds for word in ("--bind", bind)]
        with running(
            project,
            *anystream("run", "web:app", "--workers", workers, *words),
            pass_fds=(inherited.fileno(),),
        ) as command:
            command.until("Uvicorn running", int(workers))
            for address in (port, third):
                assert int(httpx.get(f"http://127.0.0.1:{address}/pid").text) > 0
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
                assert int(client.get("http://any/pid").text) > 0
            command.type_ctrl_c()
            assert command.code() == 0
            assert command.log.count("bye") == int(workers)
            assert not path.exists()
            command.until_group_is_gone()


def test_asgi_host_and_port(project: Path) -> None:
    """As texts to uvicorn, like its other options; SIGTERM ends it with 0."""
    port = str(free_port())
    words = anystream("run", "web:app", "--port", port, "--no-access-log", "--log-level", "info")
    with running(project, *words, "--limit-concurrency", "5") as command:
        command.until(f"Uvicorn running on http://127.0.0.1:{port}")
        assert httpx.get(f"http://127.0.0.1:{port}/pid").status_code == 200
        command.send(signal.SIGTERM)
        assert command.code() == 0
        assert "GET /pid" not in command.log


def test_second_ctrl_c_removes_the_socket_file(project: Path) -> None:
    """Though the process ends at once, with a request in hand."""
    (project / "slow.py").write_text(
        WEB.replace("    return", "    import asyncio; await asyncio.sleep(600)\n    return")
    )
    path = project / "s"
    with running(project, *anystream("run", "slow:app", "--uds", str(path))) as command:
        command.until("Uvicorn running")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /pid HTTP/1.1\r\nhost: x\r\n\r\n")
            command.type_ctrl_c()
            command.until("Shutting down")
            command.type_ctrl_c()
            assert command.code() == 130
        assert not path.exists()


@pytest.mark.parametrize(
    ("words", "code", "texts"),
    [
        ("shop", 2, ["not of the form module:app"]),
        ("shop:none", 2, ["there is no 'none'"]),
        ("shop:broker", 2, ["which is no application", "FastStream(broker)"]),
        ("", 2, ["name one application"]),
        ("shop:app --workers 2 --reload", 1, ["--reload is for one worker"]),
        ("shop:app --port x", 1, ["--port: wrong type"]),
        ("needs:app", 1, ["--env: missing"]),
        ("broken:app", 1, ["broken.py", "No module named 'missing_one'"]),
        ("broken:app --workers 2", 1, ["No module named 'missing_one'"]),
        ("wrong:app", 1, ["SyntaxError", "wrong.py"]),
        ("empty:app", 1, ["You should setup a broker"]),
        ("web:app --bind nonsense", 1, ["bind='nonsense': write host:port"]),
    ],
)
def test_errors(project: Path, words: str, code: int, texts: list[str]) -> None:
    """The user sees his own error, his own lines, and the exit code."""
    (project / "broken.py").write_text("import missing_one\n")
    (project / "wrong.py").write_text("def (:\n")
    (project / "empty.py").write_text("from anystream.core import FastStream\napp = FastStream()\n")
    (project / "needs.py").write_text(
        "from shop import *\n@app.on_startup\nasync def need(env: str): ...\n"
    )
    with running(project, *anystream("run", *words.split())) as command:
        assert command.code() == code
        for text in texts:
            assert text in command.log
        assert "anystream/cli" not in command.log
        assert "importlib" not in command.log


def test_log_config_level_and_loop(project: Path) -> None:
    """A file for logging, levels, another event loop."""
    config = {
        "version": 1,
        "formatters": {"mine": {"format": "MINE %(message)s"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "mine"}},
        "root": {"handlers": ["out"], "level": "INFO"},
    }
    (project / "log.json").write_text(json.dumps(config))
    (project / "loops.py").write_text(
        "import asyncio\ndef make():\n    print('my loop')\n    return asyncio.new_event_loop()\n"
    )
    words = ("run", "shop:app", "--log-config", "log.json", "--loop", "loops:make")
    with running(project, *anystream(*words)) as command:
        assert "my loop" in command.until("MINE FastStream app started successfully")
        command.send(signal.SIGTERM)
        assert command.code() == 0
    with running(project, *anystream("run", "shop:app", "-l", "error")) as command:
        command.until("up\n")
        command.send(signal.SIGTERM)
        assert command.code() == 0
        assert "FastStream app" not in command.log


@pytest.mark.nats
def test_publish_and_version(project: Path, nats_url: str) -> None:
    """A message of the command line reaches an application that runs; a request is answered."""
    subject = f"cli.{uuid4().hex}"
    (project / "bus.py").write_text(
        "from anystream.core import FastStream\nfrom anystream.nats import NatsBroker\n"
        f"broker = NatsBroker({nats_url!r})\napp = FastStream(broker)\n"
        f"@broker.subscriber({subject!r})\nasync def heard(body: dict) -> str:\n"
        "    print('heard', body, flush=True)\n    return 'thanks'\n"
    )
    with running(project, *anystream("run", "bus:app")) as command:
        command.until("started successfully")
        message = '{"a": 1}'
        words = ("publish", "bus:app", message, "--subject", subject)
        with running(project, *anystream(*words)) as publish:
            assert publish.code() == 0
        assert "heard {'a': 1}" in command.until("heard")
        with running(project, *anystream(*words, "--rpc", "--timeout", "30")) as publish:
            assert publish.code() == 0
            assert "thanks" in publish.log
        with running(project, *anystream(*words, "--nonsense", "1")) as publish:
            assert publish.code() == 1
            assert "Error when broker was publishing: TypeError" in publish.log
        command.send(signal.SIGTERM)
        assert command.code() == 0
    with running(project, "-m", "anystream", "version") as command:
        assert command.code() == 0
        assert command.log.startswith("Running anystream ")


def test_completion(project: Path) -> None:
    """The shell is told commands and options."""
    for typed, expected in (("anystream ", "publish"), ("anystream run --wor", "--workers")):
        env = {
            "_ANYSTREAM_COMPLETE": "complete_bash",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split(" ")) - 1),
        }
        with running(project, *anystream(), env=env) as command:
            assert command.code() == 0
            assert expected in command.log
