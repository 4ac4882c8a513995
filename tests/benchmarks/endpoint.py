"""HTTP endpoints on uvicorn, against a bare ASGI callable with an answer of that size.

The time is that of a request while 16 connections ask at once: 1,000,000 over it is the number of
requests in a second.
"""

from __future__ import annotations

import json
from typing import Any

from tests.benchmarks.bodies import api, nats_url

BODY = b"hello"
ORDER = {"item": "tea", "count": 3}
TIME = "time of a request"


def path_of(case: str, side: str) -> str:
    """What the load asks for."""
    return {"ping": "/ping", "get": "/hello", "query": "/search?q=tea&page=2", "json": "/orders"}[
        case
    ]


def body_of(case: str) -> str:
    """What the load sends."""
    return json.dumps(ORDER) if case == "json" else ""


def serve(case: str, side: str, port: int) -> None:
    """Serves one side until the process ends."""
    import uvicorn

    app = bare(case) if side == "raw" else application(case, side)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off" if side == "raw" else "on",
        access_log=False,
        log_level="error",
    )


def bare(case: str) -> Any:
    """Such an answer with nothing around it; a query is not looked at, a body is parsed."""
    status, body = (204, b"") if case == "ping" else (200, BODY)
    fields = [(b"content-length", str(len(body)).encode())] if body else []
    start = {"type": "http.response.start", "status": status, "headers": fields}
    end = {"type": "http.response.body", "body": body}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if case == "json":
            json.loads((await receive())["body"])
        await send(start)
        await send(end)

    return app


def application(case: str, side: str) -> Any:
    """The framework's own ASGI application with a NATS broker."""
    ns = api(side)
    asgi = ns.module("asgi")
    broker = ns.module("nats").NatsBroker(nats_url(), logger=None)

    @asgi.get
    async def hello(scope: Any) -> Any:
        return asgi.AsgiResponse(BODY, status_code=200)

    async def search(q: Any = asgi.Query(), page: Any = asgi.Query(default=("1",))) -> Any:
        return asgi.AsgiResponse(q[0].encode() + page[0].encode(), status_code=200)

    async def order(request: Any) -> Any:
        count = (await request.json())["count"]
        return asgi.AsgiResponse(b"%d" % count, status_code=200)

    order.__annotations__["request"] = asgi.Request
    routes = [
        ("/ping", asgi.make_ping_asgi(broker, timeout=5.0)),
        ("/hello", hello),
        ("/search", asgi.get(search)),
        ("/orders", asgi.post(order)),
    ]
    return asgi.AsgiFastStream(broker, asgi_routes=routes, logger=None)
