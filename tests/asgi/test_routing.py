"""Which mounted application gets a request, and the scope it gets."""

from __future__ import annotations

from typing import Any

import pytest

from anystream.asgi.routing import RouteTable, relative_path
from anystream.core.exceptions import SetupError


class App:
    """An ASGI application that keeps the scopes it was called with."""

    def __init__(self, name: str, *, exact: bool = False) -> None:
        self.name = name
        self.exact = exact
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)


async def receive() -> Any:
    raise AssertionError("nothing to receive")


async def send(message: Any) -> None:
    raise AssertionError("nothing to send")


def scope_of(path: str, kind: str = "http", **more: Any) -> dict[str, Any]:
    raw = path.encode()
    return {"type": kind, "path": path, "raw_path": raw, "query_string": b"q=1", **more}


def table(*routes: tuple[str, bool]) -> RouteTable:
    made = RouteTable()
    for path, exact in routes:
        made.add(path, App(path, exact=exact))
    return made


@pytest.mark.parametrize("path", ["/x", "/x/", "/x/y", "/x//y", "/x/y/"])
def test_prefix_matches_itself_and_below(path: str) -> None:
    """A mount answers with and without the slash, and all below."""
    route = table(("/x", False)).match(path)
    assert route is not None
    assert route.path == "/x"
    assert route.matches(path)


@pytest.mark.parametrize("path", ["/xy", "/", "", "/X", "/y/x", "x"])
def test_prefix_ends_at_a_slash(path: str) -> None:
    """A mount does not answer paths that just begin alike."""
    made = table(("/x", False))
    assert made.match(path) is None
    assert not next(iter(made)).matches(path)


@pytest.mark.parametrize(
    ("path", "found"),
    [("/p", True), ("/p/", True), ("/p//", False), ("/p/x", False), ("/px", False)],
)
def test_exact_is_exact(path: str, found: bool) -> None:
    """An exact route takes its path and one trailing slash, nothing else."""
    made = table(("/p", True))
    assert (made.match(path) is not None) is found
    assert next(iter(made)).matches(path) is found


def test_longest_prefix_wins() -> None:
    """Of several mounts the most specific one answers, whatever the order."""
    made = table(("/a", False), ("/a/b/c", True), ("/a/b", False))
    found = {path: made.match(path) for path in ("/a/x", "/a/b/x", "/a/b/c", "/a/b/c/d")}
    assert {path: route and route.path for path, route in found.items()} == {
        "/a/x": "/a",
        "/a/b/x": "/a/b",
        "/a/b/c": "/a/b/c",
        "/a/b/c/d": "/a/b",
    }
    assert made.paths() == ["/a/b/c", "/a/b", "/a"]
    assert [made.is_exact(path) for path in made.paths()] == [True, False, False]


def test_root() -> None:
    """The root can be mounted, for those who want it."""
    made = table(("/", False), ("/p", True))
    assert [getattr(made.match(path), "path", None) for path in ("", "/", "/a/b", "/p")] == [
        "",
        "",
        "",
        "/p",
    ]


@pytest.mark.parametrize("second", [("/a", False), ("/a/", False), ("/a", True)])
def test_duplicate_path_names_both(second: tuple[str, bool]) -> None:
    """A path taken twice is refused with the names of both applications."""
    made = RouteTable()
    made.add("/a", print)  # type: ignore[arg-type]
    with pytest.raises(SetupError, match=r"'/a/?' is taken twice: by <built-in .*print> and by"):
        made.add(second[0], App("b", exact=second[1]))


@pytest.mark.parametrize("path", ["a", "", None, 3, b"/a"])
def test_bad_path(path: Any) -> None:
    """A path that is none is refused."""
    with pytest.raises(SetupError, match="starts with '/'"):
        RouteTable().add(path, App("a"))


def test_not_callable() -> None:
    """What cannot be called is refused."""
    with pytest.raises(SetupError, match="'/a' has to be an ASGI callable, not 3"):
        RouteTable().add("/a", 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("root", "path", "relative"),
    [
        ("", "/a", "/a"),
        (None, "/a", "/a"),
        ("/r", "/r/a", "/a"),
        ("/r", "/r", ""),
        ("/r", "/ra", "/ra"),
        ("/r", "/a", "/a"),
    ],
)
def test_path_is_relative_to_root_path(root: str | None, path: str, relative: str) -> None:
    """What a server or an outer mount put into root_path is left out of account."""
    assert relative_path(scope_of(path, root_path=root)) == relative


async def test_scope_of_a_mount() -> None:
    """A mount gets its prefix in root_path, all else as it was, in a scope of its own."""
    made, app = RouteTable(), App("m")
    made.add("/m", app)
    scope = scope_of("/r/m/é", root_path="/r", state={})
    scope["raw_path"] = b"/r/m/%C3%A9"
    before = dict(scope)
    assert await made.dispatch(scope, receive, send)
    assert scope == before
    assert app.scopes == [{**before, "root_path": "/r/m"}]


async def test_scope_of_an_exact_route() -> None:
    """An exact route gets the scope unchanged, and a copy of it."""
    made, app = RouteTable(), App("p", exact=True)
    made.add("/p", app)
    scope = scope_of("/p", root_path="")
    assert await made.dispatch(scope, receive, send)
    assert app.scopes == [scope]
    assert app.scopes[0] is not scope


async def test_websockets_and_lifespan() -> None:
    """Mounts get websockets, exact routes do not, nobody gets the lifespan."""
    made, mount, exact = RouteTable(), App("m"), App("p", exact=True)
    made.add("/m", mount)
    made.add("/p", exact)
    assert await made.dispatch(scope_of("/m/ws", "websocket"), receive, send)
    assert not await made.dispatch(scope_of("/p", "websocket"), receive, send)
    assert not await made.dispatch({"type": "lifespan"}, receive, send)
    assert not await made.dispatch(scope_of("/other"), receive, send)
    assert len(mount.scopes) == 1
    assert exact.scopes == []


def test_very_long_path_is_cheap() -> None:
    """A path with very many slashes costs no more than one with few."""
    made = table(("/a", False), ("/b/c", False))
    assert made.match("/x" * 100_000) is None
    assert made.match("/a" + "/x" * 100_000) is not None
