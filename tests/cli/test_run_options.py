"""What `anystream run` is told: addresses, loops, logging, extra options."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from tests.cli.processes import anystream, running

WEB = """
import asyncio

from anystream.asgi import AsgiFastStream, AsgiResponse, get
from anystream.memory import MemoryBroker


@get
async def hello(scope):
    return AsgiResponse(b"hello")


app = AsgiFastStream(MemoryBroker(), asgi_routes=[("/hello", hello)])


@app.after_startup
async def show() -> None:
    loop = asyncio.get_running_loop()
    print(f"up on {type(loop).__module__.partition('.')[0]}", flush=True)
"""
EXTRA = """
from contextlib import asynccontextmanager
from anystream.core import FastStream
from anystream.memory import MemoryBroker


@asynccontextmanager
async def lifespan(env: str, some_name: str = "-"):
    print(f"env={env!r} some_name={some_name!r}", flush=True)
    yield


app = FastStream(MemoryBroker(), lifespan=lifespan)


@app.on_startup
async def read(
    a: list[int], numbers: list[str], k: str, dry: bool, cache: bool, x: str, offset: int,
    worker_id: int | None,
) -> None:
    print(a, numbers, k, dry, cache, x, offset, worker_id, flush=True)


@app.after_startup
async def done() -> None:
    app.exit()
"""
FORMS = (
    "--env=.env.dev --some-name x -k v --a 1 2 --numbers 1 --numbers 2 --dry --no-cache "
    "--x=a=b --offset -3"
)
WITHOUT = "import sys; sys.modules[{!r}] = None; from anystream.cli import main; main()"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an application for HTTP."""
    (tmp_path / "web.py").write_text(WEB)
    return tmp_path


def port_of_both() -> int:
    """A port that is free for IPv4 and IPv6."""
    while True:
        with socket.create_server(("0.0.0.0", 0)) as first:
            port: int = first.getsockname()[1]
            with socket.socket(socket.AF_INET6) as second:
                second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                try:
                    second.bind(("::", port))
                except OSError:
                    continue
                return port


@pytest.mark.parametrize(
    ("words", "workers", "addresses"),
    [
        ("--bind [::1]:PORT", "1", ["[::1]"]),
        ("--host ::1 --port PORT", "1", ["[::1]"]),
        ("--host ::1 --port PORT", "2", ["[::1]"]),
        ("--bind 0.0.0.0:PORT [::]:PORT", "1", ["127.0.0.1", "[::1]"]),
        ("--bind [::]:PORT --bind 0.0.0.0:PORT", "2", ["127.0.0.1", "[::1]"]),
    ],
)
def test_ipv6(project: Path, words: str, workers: str, addresses: list[str]) -> None:
    """It has its own addresses; all of one port for both at once."""
    port = port_of_both()
    bound = words.replace("PORT", str(port)).split()
    with running(project, *anystream("run", "web:app", "-w", workers, *bound)) as command:
        command.until("Uvicorn running", int(workers))
        for address in addresses:
            assert httpx.get(f"http://{address}:{port}/hello").text == "hello"
        command.send(signal.SIGTERM)
        assert command.code() == 0
        command.until_group_is_gone()


@pytest.mark.parametrize(
    ("words", "workers", "loop"),
    [
        ("--fd N", "1", "asyncio"),
        ("--fd=N", "2", "uvloop"),
        ("--bind fd://N", "1", "uvloop"),
        ("--bind=fd://N", "2", "asyncio"),
    ],
)
def test_inherited_socket(project: Path, words: str, workers: str, loop: str) -> None:
    """A socket that was opened by who started it, such as systemd."""
    with socket.socket() as inherited:
        inherited.bind(("127.0.0.1", 0))
        port, number = inherited.getsockname()[1], inherited.fileno()
        bound = words.replace("N", str(number)).split()
        with running(
            project,
            *anystream("run", "web:app", "-w", workers, "--loop", loop, *bound),
            pass_fds=(number,),
        ) as command:
            command.until("Uvicorn running", int(workers))
            assert f"up on {loop}" in command.log
            assert httpx.get(f"http://127.0.0.1:{port}/hello").text == "hello"
            command.send(signal.SIGTERM)
            assert command.code() == 0
            command.until_group_is_gone()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--fd 77", "cannot listen at fd://77: Bad file descriptor"),
        ("--bind fd://0", "cannot listen at fd://0: Socket operation on non-socket"),
        ("--bind fd://x", "bind='x': pass a number"),
    ],
)
def test_what_is_no_socket(project: Path, words: str, text: str) -> None:
    """The error names the address; the application was not started."""
    with running(project, *anystream("run", "web:app", *words.split())) as command:
        assert command.code() == 1
        assert text in command.log
        assert "up on" not in command.log


@pytest.mark.parametrize(
    ("loop", "missing", "expected"),
    [
        ("auto", "no_such_module", "up on uvloop"),
        ("auto", "uvloop", "up on asyncio"),
    ],
)
def test_loop(project: Path, loop: str, missing: str, expected: str) -> None:
    """uvloop where it is installed, the standard one where it is not."""
    start = ("-c", WITHOUT.format(missing))
    words = ("run", "web:app", "--loop", loop, "--fd")
    with socket.socket() as inherited:
        inherited.bind(("127.0.0.1", 0))
        number = inherited.fileno()
        with running(project, *start, *words, str(number), pass_fds=(number,)) as command:
            command.until(expected)
            command.send(signal.SIGTERM)
            assert command.code() == 0


def test_missing_loop(project: Path) -> None:
    """A loop that is not installed is a mistake of the command line."""
    start = ("-c", WITHOUT.format("uvloop"))
    with running(project, *start, "run", "web:app", "--loop", "uvloop") as command:
        assert command.code() == 2
        assert "--loop uvloop: it is not installed: pip install uvloop" in command.log


def test_reload_without_watchfiles(project: Path) -> None:
    """It says so, and runs."""
    port = str(port_of_both())
    start = ("-c", WITHOUT.format("watchfiles"))
    with running(project, *start, "run", "web:app", "--reload", "--port", port) as command:
        command.until("Uvicorn running")
        assert 'Nothing is reloaded: pip install "anystream[cli]".' in command.log
        (project / "web.py").write_text(WEB.replace("up on", "other"))
        assert httpx.get(f"http://127.0.0.1:{port}/hello").text == "hello"
        command.send(signal.SIGTERM)
        assert command.code() == 0
        assert command.log.count("up on") == 1


def toml(values: dict[str, object], table: str = "") -> str:
    """Nested mappings of texts, numbers and lists as TOML."""
    own = [f"{key} = {json.dumps(it)}" for key, it in values.items() if not isinstance(it, dict)]
    inner = [
        toml(it, f"{table}.{key}".strip(".")) for key, it in values.items() if isinstance(it, dict)
    ]
    return "\n".join([f"[{table}]" if table else "", *own, *inner])


@pytest.mark.parametrize(("ending", "workers"), [(".yaml", "2"), (".yml", "1"), (".toml", "2")])
def test_log_config(project: Path, ending: str, workers: str) -> None:
    """YAML and TOML configure logging in every process, uvicorn's lines included."""
    config: dict[str, object] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"mine": {"format": "MINE %(name)s %(message)s"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "mine"}},
        "root": {"handlers": ["out"], "level": "INFO"},
    }
    file = project / f"log{ending}"
    file.write_text(toml(config) if ending == ".toml" else yaml.safe_dump(config))
    port = str(port_of_both())
    words = ("run", "web:app", "-w", workers, "--port", port, "--log-config", file.name)
    with running(project, *anystream(*words)) as command:
        if ending == ".toml" and sys.version_info < (3, 11):
            assert command.code() == 1
            assert "TOML needs Python 3.11 or later" in command.log
            return
        command.until("MINE uvicorn.error Uvicorn running on", int(workers))
        if workers == "2":  # the parent's lines, too
            assert "MINE anystream.cli Started parent process" in command.log
        command.send(signal.SIGTERM)
        assert command.code() == 0
        command.until_group_is_gone()


@pytest.mark.parametrize("file", ["none.json", "log.ini"])
def test_log_config_that_cannot_be(project: Path, file: str) -> None:
    """No such file, or no such format."""
    (project / "log.ini").write_text("")
    with running(project, *anystream("run", "web:app", "--log-config", file)) as command:
        assert command.code() == 1
        assert file in command.log
        assert "--log-config" in command.log


@pytest.mark.parametrize("first", [True, False])
def test_extra_options_reach_the_application(tmp_path: Path, first: bool) -> None:
    """Every form, as the annotations of the lifespan and of the hooks want it."""
    (tmp_path / "extra.py").write_text(EXTRA)
    words = FORMS.split()
    typed = ("extra:app", *words) if first else (*words, "extra:app")
    with running(tmp_path, *anystream("run", *typed)) as command:
        assert command.code() == 0, command.log
        assert "env='.env.dev' some_name='x'" in command.log
        assert "[1, 2] ['1', '2'] v True False a=b -3 None" in command.log


def complete(folder: Path, *typed: str) -> list[str]:
    """What bash offers for the last word, with the script that the command gives it."""
    scripts = Path(sys.executable).parent
    program = (
        "set -eu\n"
        'eval "$(_ANYSTREAM_COMPLETE=source_bash anystream)"\n'
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()\n'
        'function=$(complete -p anystream | sed -n "s/.*-F \\([^ ]*\\) .*/\\1/p")\n'
        '"$function" anystream "${@: -1}" "${@: -2:1}"\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", program, "bash", "anystream", *typed],
        cwd=folder,
        env={"PATH": f"{scripts}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["p"], ["publish"]),
        ([""], ["run", "publish", "docs", "version"]),
        (["run", "--rel"], ["--reload", "--reload-extension", "--reload-ext"]),
        (["run", "--log-level", "warn"], ["warning", "warn"]),
        (["docs", "g"], ["gen"]),
    ],
)
def test_bash_completes(tmp_path: Path, typed: list[str], expected: list[str]) -> None:
    """In bash itself: commands, options and values."""
    assert sorted(complete(tmp_path, *typed)) == sorted(expected)
