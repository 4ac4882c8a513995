"""README.md shows the files of docs_src/readme, and they work."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer

from anystream.nats import TestNatsBroker
from docs_src.readme import stream
from docs_src.readme.test_stream import test_invoice  # noqa: F401 - collected here
from tests.serving import serve

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
FILES = sorted(path for path in (PROJECT / "docs_src/readme").glob("*.py") if path.stat().st_size)
BLOCKS = [block.strip() for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL)]
SIGNATURE = next(block for block in BLOCKS if block.startswith("setup("))
MODULES = ("asgi", "aiohttp", "litestar", "sanic", "quart", "falcon", "blacksheep", "fastapi")
ORDER = {"item": "tea", "price": 4.5}


def shown(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("docs_src.readme.stream", "stream").strip()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_is_a_block(path: Path) -> None:
    """What is executed here is what a reader sees."""
    assert shown(path) in BLOCKS


def test_each_block_is_a_file() -> None:
    """No block of the README is left unexecuted, but for the signature below."""
    executed = {shown(path) for path in FILES}
    assert [block for block in BLOCKS if block not in executed] == [SIGNATURE]


@pytest.mark.parametrize("name", [*MODULES, "starlette"])
def test_one_signature(name: str) -> None:
    """Every adapter has the arguments and the defaults that the README shows."""
    call: Any = ast.parse(SIGNATURE, mode="eval").body
    stated = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    parameters = inspect.signature(import_module(f"anystream.{name}").setup).parameters
    options = [p for p in parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert [word.id for word in call.args] == list(parameters)[:2]
    assert stated == {p.name: p.default for p in options}


def test_links() -> None:
    """Links and paths of the README lead somewhere."""
    targets = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"`(docs/[\w/.]+)`", README)
    wrong = [path for path in targets if "://" not in path and not (PROJECT / path).exists()]
    assert wrong == []


@asynccontextmanager
async def posting(name: str) -> AsyncIterator[Any]:
    """A function that requests of the README's application, with the status as its result."""
    sys.modules.pop(f"docs_src.readme.on_{name}", None)
    app: Any = import_module(f"docs_src.readme.on_{name}").app
    if name == "aiohttp":
        async with TestClient(TestServer(app)) as client:

            async def ask(method: str, path: str, **body: Any) -> int:
                return (await client.request(method, path, **body)).status

            yield ask
    elif name == "sanic":

        async def ask(method: str, path: str, **body: Any) -> int:
            _, response = await app.asgi_client.request(method, path, **body)
            return int(response.status)

        yield ask
    else:
        async with (
            serve(app) as address,
            httpx.AsyncClient(base_url=f"http://{address}") as web,
        ):

            async def ask(method: str, path: str, **body: Any) -> int:
                return (await web.request(method, path, **body)).status_code

            yield ask


@pytest.mark.parametrize("name", MODULES)
async def test_frameworks(name: str) -> None:
    """An order that is posted reaches the handler, and the health endpoint answers."""
    async with TestNatsBroker(stream.broker), posting(name) as ask:
        assert await ask("POST", "/orders", json=ORDER) == 202
        assert await ask("GET", "/health") == 204
        stream.invoice.mock.assert_called_once_with(ORDER)


@pytest.mark.nats
async def test_on_a_server(nats_url: str) -> None:
    """The same without test mode: the health endpoint asks the server."""
    stream.broker.nats.servers = [nats_url]
    async with posting("aiohttp") as ask:
        assert await ask("GET", "/health") == 204
        assert await ask("POST", "/orders", json=ORDER) == 202
