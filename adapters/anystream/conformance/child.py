"""`python -m anystream.conformance.child`: serves an order with a framework's own server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from anystream.conformance.in_process import failed_lifespan, misuse, test_client
from anystream.conformance.journal import Journal
from anystream.conformance.plan import Order


def make_app() -> Any:
    """The application, built in the process that serves it."""
    from anystream.conformance.served_app import app

    return app


def _aiohttp(order: Order) -> None:
    from aiohttp import web

    web.run_app(make_app(), host="127.0.0.1", port=order.port, print=None, shutdown_timeout=5)


def _quart(order: Order) -> None:
    make_app().run(host="127.0.0.1", port=order.port, use_reloader=False)


def _sanic(order: Order, workers: int | None = None) -> None:
    from sanic import Sanic
    from sanic.worker.loader import AppLoader

    count = workers or order.plan.workers
    loader = AppLoader(factory=make_app)
    app = loader.load()
    common: dict[str, Any] = {"host": "127.0.0.1", "port": order.port, "motd": False}
    if count == 1:
        app.prepare(**common, single_process=True)
        Sanic.serve_single(primary=app)
        return
    app.prepare(**common, workers=count)
    Sanic.serve(primary=app, app_loader=loader)


CHILDREN: dict[str, Callable[[Order], None]] = {
    "aiohttp": _aiohttp,
    "quart": _quart,
    "sanic": _sanic,
    "sanic-2-workers": lambda order: _sanic(order, max(2, order.plan.workers)),
}


def main() -> None:
    """Serves, or runs the checks that need no server."""
    order = Order.from_environment()
    journal = Journal(order.folder)
    if order.server == "misuse":
        asyncio.run(misuse(order, journal))
    elif order.server == "lifespan":
        asyncio.run(failed_lifespan(order, journal))
    elif order.server == "test-client":
        test_client(order, journal)
    elif order.server in CHILDREN:
        CHILDREN[order.server](order)
    else:
        sys.exit(f"no server called {order.server!r}; there are {', '.join(sorted(CHILDREN))}")


if __name__ == "__main__":
    main()
