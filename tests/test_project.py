"""The project's own rules: one namespace, layers that point down, small files, a clean wheel."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
ROOTS = ("broker_core", "asgi", "adapters")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 45
HTTP_LIBRARIES = {
    "aiohttp",
    "blacksheep",
    "falcon",
    "fastapi",
    "gunicorn",
    "httpx",
    "hypercorn",
    "litestar",
    "quart",
    "sanic",
    "starlette",
    "uvicorn",
}
# `anystream run` and `AsgiFastStream.run` start an ASGI server; nothing else may know one.
MAY_RUN_A_SERVER = ("broker_core/anystream/cli/", "asgi/anystream/asgi/serving.py")


def source_files(*roots: str) -> list[Path]:
    return sorted(path for root in roots for path in (PROJECT / root).rglob("*.py"))


def shown(path: Path, line: int | None = None) -> str:
    name = path.relative_to(PROJECT).as_posix()
    return name if line is None else f"{name}:{line}"


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def owner_of_each_part() -> dict[str, str]:
    """`nats` -> `broker_core`, `aiohttp` -> `adapters` and so on."""
    owners: dict[str, str] = {}
    for root in ROOTS:
        for entry in (PROJECT / root / "anystream").iterdir():
            if entry.suffix == ".py" or (entry.is_dir() and entry.name != "__pycache__"):
                owners[entry.stem] = root
    return owners


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a file imports, relative imports resolved."""
    root = next(root for root in ROOTS if path.is_relative_to(PROJECT / root))
    package = path.relative_to(PROJECT / root).parent.parts
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join((*base, *([node.module] if node.module else [])))
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)


def test_no_root_closes_the_namespace() -> None:
    """An anystream/__init__.py in one root would hide the other two."""
    found = [root for root in ROOTS if (PROJECT / root / "anystream" / "__init__.py").exists()]
    assert found == []


def test_every_package_is_marked_as_typed() -> None:
    """Type checkers ignore a package of a namespace that has no py.typed of its own."""
    unmarked = []
    for root in ROOTS:
        namespace = PROJECT / root / "anystream"
        packages = {
            namespace / path.relative_to(namespace).parts[0]
            for path in namespace.rglob("*.py")
            if path.parent != namespace
        }
        if any(path.name != "__main__.py" for path in namespace.glob("*.py")):  # nobody's import
            packages.add(namespace)
        unmarked += [
            shown(package) for package in sorted(packages) if not (package / "py.typed").is_file()
        ]
    assert unmarked == []


def test_imports_only_go_down() -> None:
    """broker_core knows neither asgi nor adapters, and asgi knows no adapter."""
    owners = owner_of_each_part()
    upward = []
    for path in source_files(*ROOTS):
        own_level = ROOTS.index(path.relative_to(PROJECT).parts[0])
        for line, name in imported_modules(path):
            parts = name.split(".")
            if parts[0] != "anystream" or len(parts) < 2:
                continue
            owner = owners.get(parts[1])
            if owner is not None and ROOTS.index(owner) > own_level:
                upward.append(f"{shown(path, line)} imports {name} of {owner}")
    assert upward == []


def test_no_http_below_the_adapters() -> None:
    """broker_core and asgi import no HTTP framework, server or client."""
    offenders = [
        f"{shown(path, line)} imports {name}"
        for path in source_files("broker_core", "asgi")
        if not shown(path).startswith(MAY_RUN_A_SERVER)
        for line, name in imported_modules(path)
        if name.split(".")[0] in HTTP_LIBRARIES
    ]
    assert offenders == []


def test_files_stay_short() -> None:
    """No source file is longer than 400 lines."""
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in source_files(*ROOTS)
    }
    long = [
        f"{shown(path)}: {count} lines" for path, count in lengths.items() if count > MAX_FILE_LINES
    ]
    assert long == []


def test_functions_stay_short() -> None:
    """No function is longer than 45 lines, its docstring not counted."""
    long = []
    for path in source_files(*ROOTS):
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            count = (node.end_lineno or first.lineno) - first.lineno + 1
            if count > MAX_FUNCTION_LINES:
                long.append(f"{shown(path, node.lineno)}: {node.name} has {count} lines")
    assert long == []


def test_no_assert_in_the_sources() -> None:
    """A user's mistake is an error of our own type, not an assert that `python -O` drops."""
    asserts = [
        shown(path, node.lineno)
        for path in source_files(*ROOTS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert asserts == []


def test_tests_stay_out_of_the_sources() -> None:
    """Pytest must never collect in a root: `anystream/aiohttp.py` would then hide aiohttp."""
    found = [
        shown(path)
        for path in source_files(*ROOTS)
        if path.name == "conftest.py" or path.name.endswith("_test.py")
    ]
    assert found == []


def test_test_modules_have_unique_names() -> None:
    """Two test modules of one name cannot be collected together."""
    names = [path.name for path in (PROJECT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    target = tmp_path_factory.mktemp("wheel")
    build = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_wheel_holds_only_the_namespace(wheel_names: list[str]) -> None:
    """Nothing called asgi, adapters or tests lands in a user's site-packages."""
    tops = {name.split("/")[0] for name in wheel_names if ".dist-info/" not in name}
    assert tops == {"anystream"}
    assert "anystream/__init__.py" not in wheel_names


def test_wheel_holds_every_source_file(wheel_names: list[str]) -> None:
    """All three roots are in the wheel, merged."""
    expected = {
        path.relative_to(PROJECT / root).as_posix()
        for root in ROOTS
        for path in (PROJECT / root / "anystream").rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    assert expected - set(wheel_names) == set()
