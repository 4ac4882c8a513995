"""The pages of docs/: the navigation, the code they show, their links; and no example untested."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
EXAMPLES = sorted(p for p in (PROJECT / "docs_src").rglob("*.py") if p.stat().st_size)
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
INCLUDE = re.compile(r'^--8<-- "([^"]+)"$')
LONGEST_PLAIN_BLOCK = 6  # lines of a shell session; of Python it is two

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(DOCS).as_posix())


def test_navigation() -> None:
    """Every page is in the navigation, and the navigation has no other."""

    def leaves(item: Any) -> Iterator[str]:
        if isinstance(item, str):
            yield item
        else:
            for part in item.values() if isinstance(item, dict) else item:
                yield from leaves(part)

    config = yaml.safe_load((PROJECT / "mkdocs.yml").read_text())
    listed = list(leaves(config["nav"]))
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)
    assert config["docs_dir"] == "docs"


@by_page
def test_code_is_included(page: Path) -> None:
    """Python of more than two lines comes from docs_src; what is included exists."""
    for language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        lines = body.strip().splitlines()
        included = [match.group(1) for line in lines if (match := INCLUDE.match(line))]
        if included:
            assert len(lines) == len(included)
            assert [name for name in included if not (PROJECT / name).is_file()] == []
            assert all(name.startswith("docs_src/") for name in included)
        else:
            assert len(lines) <= (2 if language == "python" else LONGEST_PLAIN_BLOCK), body


@by_page
def test_links(page: Path) -> None:
    """Links between pages lead to pages and headings that are there."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.is_file(), target
        assert not anchor or anchor in headings(other), target


def headings(page: Path) -> set[str]:
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in found}


@by_page
def test_one_title(page: Path) -> None:
    """A page begins with its title."""
    assert page.read_text(encoding="utf-8").startswith("# ")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts)


def mentioned(path: Path) -> Iterator[str]:
    """Modules that a file imports, and dotted names or paths in its texts."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.partition(":")[0]
            yield text.removesuffix(".py").replace("/", ".")
        elif isinstance(node, ast.JoinedStr):
            yield from families(node)


FAMILIES = {
    "docs_src.adapters.on_": ("litestar", "quart", "falcon", "blacksheep", "fastapi", "starlette"),
    "docs_src.readme.on_": (
        *("asgi", "aiohttp", "litestar", "sanic", "quart", "falcon", "blacksheep", "fastapi"),
    ),
    "docs_src.demo.on_": (
        *("asgi", "aiohttp", "litestar", "quart", "falcon", "blacksheep", "fastapi", "sanic"),
    ),
}


def families(node: ast.JoinedStr) -> Iterator[str]:
    """Modules that a test imports by a name that it makes."""
    first = node.values[0]
    if isinstance(first, ast.Constant) and first.value in FAMILIES:
        yield from (f"{first.value}{name}" for name in FAMILIES[str(first.value)])


def test_every_example_is_executed() -> None:
    """Each file of docs_src is used by a test here, directly or through another example."""
    known = {module_of(path): path for path in EXAMPLES}
    reached: set[str] = set()
    waiting = [path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__)]
    while waiting:
        for name in mentioned(waiting.pop()):
            if name in known and name not in reached:
                reached.add(name)
                waiting.append(known[name])
    assert sorted(set(known) - reached) == []


def test_every_example_is_shown() -> None:
    """Each example is on a page; the demo is shown by `make demo`."""
    shown = {name for page in PAGES for name in re.findall(r'"(docs_src/[^"]+)"', page.read_text())}
    files = {path.relative_to(PROJECT).as_posix() for path in EXAMPLES}
    hidden = {name for name in files if "/demo/" in name or "/readme/" in name}
    assert sorted(files - shown - hidden) == []
