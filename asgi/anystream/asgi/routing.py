"""Which of our ASGI applications answers which path, and with what scope."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from anystream.asgi.methods import joined
from anystream.asgi.types import ASGIApp, Receive, Scope, Send
from anystream.core.exceptions import SetupError


@dataclass(frozen=True)
class Route:
    """An ASGI application at a path.

    Args:
        path: the path, without a trailing slash; the root is the empty string.
        app: the ASGI application.
        exact: whether it answers that path only, or all below it as well.
    """

    path: str
    app: ASGIApp
    exact: bool

    def matches(self, path: str) -> bool:
        """Whether a path, relative to the application, belongs to this route."""
        if path.startswith(self.path):
            rest = path[len(self.path) :]
            return rest in ("", "/") or (not self.exact and rest[0] == "/")
        return False

    def scope_for(self, scope: Scope) -> Scope:
        """A scope of its own for this route's application.

        A mounted application gets its prefix added to `root_path`; everything else, `path` and
        `raw_path` too, is as it came.

        Args:
            scope: what the server sent; left as it is.
        """
        own = dict(scope)
        if not self.exact:
            own["root_path"] = (scope.get("root_path") or "") + self.path
        return own


class RouteTable:
    """The paths that are served by us inside somebody else's application.

    An application with a true attribute `exact` answers its path and nothing below it (with or
    without one trailing slash); any other is mounted: it answers its path and all below it. Where
    several match, the longest path wins.
    """

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}
        self._prefix_lengths: list[int] = []

    def add(self, path: str, app: ASGIApp) -> Route:
        """Puts an ASGI application at a path.

        Args:
            path: starts with "/"; one trailing slash makes no difference.
            app: any ASGI callable.

        Endpoints of different methods (`get` and `post`) may share a path.

        Raises:
            SetupError: the path is not one, or is taken, or `app` cannot be called.
        """
        _check(path, app)
        key = _key(path)
        taken = self._routes.get(key)
        both = joined(taken.app, app) if taken is not None else app
        if taken is not None and both is None:
            raise SetupError(
                f"The path {path!r} is taken twice: by {taken.app!r} and by {app!r}. "
                "Serve one of them elsewhere."
            )
        app = both or app
        route = self._routes[key] = Route(key, app, bool(getattr(app, "exact", False)))
        if not route.exact:
            lengths = {*self._prefix_lengths, len(key)}
            self._prefix_lengths = sorted(lengths, reverse=True)
        return route

    def paths(self) -> list[str]:
        """All paths, the most specific first, for a router that matches in order."""
        return [path or "/" for path in sorted(self._routes, key=lambda path: (-len(path), path))]

    def is_exact(self, path: str) -> bool:
        """Whether a path of `paths()` answers itself only."""
        return self._routes[_key(path)].exact

    def __iter__(self) -> Iterator[Route]:
        return (self._routes[_key(path)] for path in self.paths())

    def match(self, path: str) -> Route | None:
        """The route for a path that is relative to the application, or `None`."""
        route = self._routes.get(_key(path))
        if route is not None:
            return route
        for length in self._prefix_lengths:
            if path[length : length + 1] == "/":
                route = self._routes.get(path[:length])
                if route is not None and not route.exact:
                    return route
        return None

    async def dispatch(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serves a request or a websocket if it is for one of our paths.

        Returns:
            `False` if it is not, and nothing was sent. Lifespan events are never ours, nor are
            websockets at an exact path: what is there speaks HTTP.
        """
        kind = scope["type"]
        if kind != "http" and kind != "websocket":
            return False
        path = relative_path(scope)
        route = self.match(path)
        if route is None or (route.exact and kind == "websocket"):
            return False
        await route.app(route.scope_for(scope), receive, send)
        return True


def _key(path: str) -> str:
    return path[:-1] if path.endswith("/") else path


def _check(path: Any, app: Any) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise SetupError(f"A path has to be a string that starts with '/', not {path!r}.")
    if not callable(app):
        raise SetupError(f"What is served at {path!r} has to be an ASGI callable, not {app!r}.")


def relative_path(scope: Scope) -> str:
    """The request's path below `root_path`; the whole path if it does not lie there."""
    path: str = scope["path"]
    root_path: str = scope.get("root_path") or ""
    if not root_path or not path.startswith(root_path):
        return path
    if len(path) == len(root_path):
        return ""
    return path[len(root_path) :] if path[len(root_path)] == "/" else path
