"""What `anystream` says about mistakes: one clear line, or the user's own traceback."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from tests.cli.processes import Command, anystream, running

SHOP = """
import asyncio
from contextlib import asynccontextmanager
from enum import Enum

from anystream.asgi import AsgiFastStream
from anystream.core import FastStream
from anystream.memory import MemoryBroker
from pydantic import BaseModel, model_validator


class Color(Enum):
    red = "red"


class Settings(BaseModel):
    address: str = ""

    @model_validator(mode="after")
    def check(self) -> "Settings":
        raise ValueError("no address")


@asynccontextmanager
async def lifespan(size: int):
    print("size", size, flush=True)
    yield


def read_color(color: Color = Color.red) -> None: ...


def read_settings() -> None:
    Settings()


async def hang() -> None:
    print("starting", flush=True)
    await asyncio.sleep(600)


async def closed() -> None:
    print("closed", flush=True)


plain = FastStream(MemoryBroker(), lifespan=lifespan, on_startup=[read_color])
wrong = FastStream(MemoryBroker(), on_startup=[read_settings])
web = AsgiFastStream(MemoryBroker(), lifespan=lifespan)
slow = AsgiFastStream(MemoryBroker(), on_startup=[hang], after_shutdown=[closed])


def make() -> FastStream:
    return plain


def of_one(broker: object) -> FastStream:
    return plain


async def later() -> FastStream:
    return plain
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with applications."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "broken.py").write_text("def broken(:\n")
    (tmp_path / "raising.py").write_text("raise ValueError('mine')\n")
    (tmp_path / "log.json").write_text("{")
    (tmp_path / "log.yaml").write_text("")
    (tmp_path / "document.json").write_text("{")
    (tmp_path / "document.yaml").write_text("a: [")
    return tmp_path


def ended(command: Command, code: int) -> str:
    """What it wrote, without our own frames, when it has ended with a code."""
    assert command.code() == code, command.log
    command.until_group_is_gone()
    for frame in ("/cli/", ".pyx", "/typer/", "/uvicorn/", "never awaited"):
        assert frame not in command.log
    return command.log


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("run -f shop:of_one", 2, "shop:of_one cannot be called by --factory: missing a required"),
        ("run -f shop:later", 2, "shop:later is an async function"),
        ("run shop:make", 2, "a function that makes one is called with --factory"),
        ("run ./shop:web", 2, "'./shop' is no module: write shop"),
        ("run shop.py:web", 2, "'shop.py' is no module: write shop"),
        ("run nowhere:app", 2, "--app-dir says where to look"),
        ("run shop:web --app-dir none", 2, "--app-dir: there is no directory none"),
        ("run shop:web --loop none", 2, "--loop: 'none' is not of the form"),
        ("run shop:plain --loop shop:none -w 2", 2, "--loop: there is no 'none'"),
        ("run shop:plain --loop shop:make", 1, "--loop shop:make: <anystream.core.app"),
        ("run shop:web --stop-timeout -5", 2, "--stop-timeout=-5.0: seconds"),
        ("run shop:web -w0", 2, "--workers=0: at least 1"),
        ("run shop:web --log-config log.json", 1, "Error: --log-config: log.json: Expecting"),
        ("run shop:web --log-config log.yaml", 1, "Error: --log-config: log.yaml: "),
        ("docs serve document.json", 1, "Error: document.json cannot be read: Expecting"),
        ("docs serve document.yaml", 1, "Error: document.yaml cannot be read: "),
        ("docs serve shop:web --port 99999", 1, "Error: cannot listen at localhost:99999: "),
        ("docs gen raising:app", 1, "line 1, in <module>\n    raise ValueError('mine')"),
        ("docs gen broken:app", 1, 'broken.py", line 1\n    def broken(:'),
        ("publish shop:plain 1 --channel a --timeout x", 2, "Error: --timeout='x' must be float"),
    ],
)
def test_mistake(project: Path, words: str, code: int, text: str) -> None:
    """What is wrong and where; nothing of the machinery below."""
    with running(project, *anystream(*words.split())) as command:
        log = ended(command, code)
    assert text in log
    assert ("Traceback" in log) == ("raising" in words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--bind", "Error: bind=True: write host:port, [::1]:port"),
        ("--bind=", "Error: bind='': write host:port"),
        ("--bind 127.0.0.1:x", "Error: bind='127.0.0.1:x': write host:port"),
        ("--bind [::1]", "Error: bind='[::1]': write host:port"),
        ("--bind 127.0.0.1:99999", "a port is a number from 0 to 65535"),
        ("--bind unix:", "Error: bind='unix:': write host:port"),
        ("--bind unix:shop.py", "cannot listen at unix:shop.py: there is something that is no"),
        (f"--bind unix:{'x' * 200}", "AF_UNIX path too long"),
        ("--bind nowhere.invalid:80", "cannot listen at nowhere.invalid:80: "),
        ("--port 99999", "Error: port='99999': a port is a number from 0 to 65535"),
        ("--port", "Error: port=True: pass one value"),
        ("--host", "Error: host=True: pass one value"),
        ("--host -w 2", "Error: host=True: pass one value"),
        ("--port 1 2", "Error: port=['1', '2']: pass one value"),
    ],
)
def test_address_that_cannot_be(project: Path, words: str, text: str) -> None:
    """One line names it; the application was not started."""
    typed = ("run", "shop:web", "--size", "1", *words.split())
    with running(project, *anystream(*typed)) as command:
        log = ended(command, 1)
    assert text in log
    assert "size 1" not in log
    assert "Traceback" not in log


@pytest.mark.parametrize("words", ["--port N", "--bind 127.0.0.1:N", "--port N -w 2"])
def test_address_that_is_taken(project: Path, words: str) -> None:
    """The exit code is that of a failed start, whoever opens the socket."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        typed = words.replace("N", port).split()
        with running(project, *anystream("run", "shop:web", "--size", "1", *typed)) as command:
            assert command.code() == 1
            command.until_group_is_gone()
            log = command.log
    assert port in log
    assert "in use" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("app", "words", "lines"),
    [
        ("plain", "", ["--size: missing"]),
        ("plain", "--size x", ["--size: wrong type: Input should be a valid integer", "given 'x'"]),
        ("plain", "--size 1 --color blue", ["--color: wrong type: ", "given 'blue'"]),
        ("web", "--port 0", ["--size: missing"]),
    ],
)
def test_options_that_are_refused(project: Path, app: str, words: str, lines: list[str]) -> None:
    """Those of the lifespan and of the hooks: the option, the reason and what was given."""
    with running(project, *anystream("run", f"shop:{app}", *words.split())) as command:
        assert command.code() == 1
        log = command.log
    for line in lines:
        assert line in log
    assert "Traceback" not in log


def test_a_hook_with_an_error_of_its_own(project: Path) -> None:
    """A model of the user that cannot be made is not taken for an option."""
    with running(project, *anystream("run", "shop:wrong")) as command:
        log = ended(command, 1)
    assert "no address" in log
    assert 'shop.py", line' in log


@pytest.mark.parametrize(("words", "count"), [("", 1), ("-w2", 2), ("-r", 1)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_while_starting(project: Path, words: str, count: int, number: int) -> None:
    """One signal ends an ASGI application whose start hangs; what had started is closed."""
    typed = ("run", "shop:slow", "--port", "0", *words.split())
    with running(project, *anystream(*typed)) as command:
        command.until("starting\n", count)
        command.send(number)
        assert command.code() == 0
        command.until_group_is_gone()
        assert "Traceback" not in command.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_while_starting_without_the_command(project: Path, number: int) -> None:
    """`run()` of an ASGI application, called by a script, waits for no start either."""
    script = "import asyncio, shop; asyncio.run(shop.slow.run(run_extra_options={'port': 0}))"
    with running(project, "-c", script) as command:
        command.until("starting\n")
        command.send(number)
        assert command.code() == 0
        assert "Traceback" not in command.log


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("shop:plain --wokers 4 --size 2", "--wokers reaches nobody, no start hook and no lifespan "
         "asks for it: did you mean --workers?"),
        ("shop:plain --size 2 --colour red", "did you mean --color?"),
        ("shop:web --prot 9 --port 0 --size 2", "did you mean --port?"),
        ("shop:plain --size 2 -q 1", "-q reaches nobody"),
        ("shop:plain --size 2 --wokers 4 -w 2", "did you mean --workers?"),
    ],
)  # fmt: skip
def test_an_option_that_reaches_nobody(project: Path, typed: str, said: str) -> None:
    """It is said once, and what was meant; the application runs."""
    with running(project, *anystream("run", *typed.split())) as command:
        command.until("size 2")
        command.until(said)
        command.send(signal.SIGTERM)
        assert command.code() == 0
        assert command.log.count("reaches nobody") == 1
