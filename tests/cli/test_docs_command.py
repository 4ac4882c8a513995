"""`anystream docs gen` and `anystream docs serve`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adapters.serving import free_port, wait_until_answering

APP = """
from anystream.core import AsyncAPI, FastStream
from anystream.memory import MemoryBroker

broker = MemoryBroker()


@broker.subscriber("orders")
async def handle(body: int) -> None: ...


app = FastStream(broker, specification=AsyncAPI(title="Ä shop"))
older = FastStream(broker, specification=AsyncAPI(title="Older", schema_version="2.6.0"))
nothing = object()


def make() -> FastStream:
    return app
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an application."""
    (tmp_path / "shop.py").write_text(APP, encoding="utf-8")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "inner.py").write_text("from shop import app\nimport missing_one\n")
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    """Runs the command in that folder."""

    def run(*arguments: str, cwd: Path = project) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "anystream.cli", *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "COLUMNS": "200", "TERM": "dumb"},
            check=False,
        )

    return run


def test_gen_json(run: Run, project: Path) -> None:
    """`asyncapi.json`, indented and plain ASCII."""
    done = run("docs", "gen", "shop:app")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Your project AsyncAPI scheme was placed to `asyncapi.json`\n"
    text = (project / "asyncapi.json").read_text()
    assert text.isascii()
    assert '\n  "asyncapi": "3.0.0"' in text
    document = json.loads(text)
    assert document["info"]["title"] == "Ä shop"
    assert list(document["channels"]) == ["orders:Handle"]


@pytest.mark.parametrize("options", [("--factory", "shop:make"), ("shop:broker",)])
def test_gen_of_other_objects(run: Run, project: Path, options: tuple[str, ...]) -> None:
    """A function that makes the application, a broker; into a file of another name."""
    done = run("docs", "gen", *options, "--out", "else.json")
    assert "`else.json`" in done.stdout
    assert json.loads((project / "else.json").read_text())["channels"]


def test_gen_yaml(run: Run, project: Path) -> None:
    """`asyncapi.yaml`, of an application in another directory."""
    (project / "elsewhere").mkdir()
    done = run("docs", "gen", "shop:older", "-y", "--app-dir", "..", cwd=project / "elsewhere")
    assert "`asyncapi.yaml`" in done.stdout
    document = yaml.safe_load((project / "elsewhere" / "asyncapi.yaml").read_text())
    assert document["asyncapi"] == "2.6.0"


def test_gen_debug(run: Run, project: Path) -> None:
    """The document is shown and nothing is written."""
    done = run("docs", "gen", "shop:app", "-d")
    assert done.stdout.startswith("Generated schema:\n{'info': {'title': 'Ä shop'")
    assert run("docs", "gen", "shop:app", "-d", "-y").stdout.startswith("Generated schema:\ninfo:")
    assert not list(project.glob("asyncapi*"))


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("shop", "not of the form module:app", 2),
        ("shop:", "not of the form module:app", 2),
        ("nowhere:app", "neither a module 'nowhere' nor a file", 2),
        ("shop:none", "there is no 'none'", 2),
        ("shop:nothing", "has no document", 1),
        ("package.inner:app", "No module named 'missing_one'", 1),
    ],
)
def test_what_cannot_be_imported(run: Run, name: str, text: str, code: int) -> None:
    """Wrong names are usage errors; what a module raises is shown as it is."""
    done = run("docs", "gen", name)
    assert done.returncode == code
    assert text in re.sub(r"[\s│]+", " ", done.stderr)


@pytest.fixture
def serving(project: Path) -> Iterator[Callable[..., str]]:
    """Starts `docs serve`; gives its address."""
    started: list[subprocess.Popen[str]] = []

    def serve(*arguments: str) -> str:
        port = free_port()
        command = [sys.executable, "-m", "anystream.cli", "docs", "serve", *arguments]
        with (project / "log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                cwd=project,
                stderr=log,
                text=True,
            )
        started.append(process)
        wait_until_answering(process, port)
        return f"http://127.0.0.1:{port}"

    yield serve
    for process in started:
        process.terminate()
        process.wait(10)


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def test_serve_an_application(serving: Callable[..., str], project: Path) -> None:
    """The page at every path, with its files and texts, and no form; two lines in the log."""
    address = serving("shop:app")
    page = fetch(f"{address}/any/path?schemas=0")
    assert "<title>Ä shop AsyncAPI</title>" in page
    assert '"tryUrl": null' in page
    for link in re.findall(r'(?:src|href)="(\?asset=[^"]+)"', page):
        assert fetch(f"{address}/any/path{link.replace('&amp;', '&')}")
    assert json.loads(fetch(f"{address}/?format=json"))["asyncapi"] == "3.0.0"
    assert yaml.safe_load(fetch(f"{address}/?format=yaml"))["asyncapi"] == "3.0.0"
    for wrong in ("?asset=../x", "?format=xml"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(f"{address}/{wrong}")
    log = (project / "log").read_text()
    assert f"HTTPServer running on {address} (Press CTRL+C to quit)" in log
    assert "production" in log


@pytest.mark.parametrize("name", ["asyncapi.json", "asyncapi.yaml"])
def test_serve_a_file(run: Run, serving: Callable[..., str], name: str) -> None:
    """A file that `gen` wrote is served the same."""
    run("docs", "gen", "shop:older", "--out", name, *(["-y"] if name.endswith("yaml") else []))
    assert "<title>Older AsyncAPI</title>" in fetch(serving(name))


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("x.json", '{"asyncapi": "2.0.0"}', "not supported"),
        ("x.yaml", "openapi: 3.0.0", "not supported"),
        ("x.json", "[]", "not supported"),
        ("x.txt", "", "ends in .json, .yaml, .yml"),
        ("x.json", None, "there is no file x.json"),
    ],
)
def test_files_that_are_no_document(
    run: Run, project: Path, name: str, content: str | None, text: str
) -> None:
    """Each is told from a document."""
    if content is not None:
        (project / name).write_text(content)
    done = run("docs", "serve", name)
    assert done.returncode in (1, 2)
    assert text in re.sub(r"[\s│]+", " ", done.stderr)


@pytest.mark.slow
def test_serve_reloads(serving: Callable[..., str], project: Path) -> None:
    """A changed file is a changed page."""
    address = serving("shop:app", "--reload")
    assert "Ä shop" in fetch(address)
    (project / "shop.py").write_text(APP.replace("Ä shop", "New shop"), encoding="utf-8")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if "New shop" in fetch(address):
                return
        except OSError:
            pass  # between two processes
        time.sleep(0.1)
    raise AssertionError((project / "log").read_text())


def test_without_typer(project: Path) -> None:
    """The command says which extra it needs."""
    code = "import sys; sys.modules['typer'] = None; from anystream.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'pip install "anystream[cli]"' in done.stderr
