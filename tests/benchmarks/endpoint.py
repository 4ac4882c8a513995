"""HTTP endpoints on uvicorn, against a bare ASGI callable."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.bodies import api, nats_url

BODY = b"hello"


def path_of(case: str, side: str) -> str:
    """What the load asks for."""
    return "/ping" if case == "ping" else "/hello"


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
    """The same answer with nothing around it."""
    status, body = (204, b"") if case == "ping" else (200, BODY)
    fields = [(b"content-length", str(len(body)).encode())] if body else []
    start = {"type": "http.response.start", "status": status, "headers": fields}
    end = {"type": "http.response.body", "body": body}

    async def app(scope: Any, receive: Any, send: Any) -> None:
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

    routes = [("/ping", asgi.make_ping_asgi(broker, timeout=5.0)), ("/hello", hello)]
    return asgi.AsgiFastStream(broker, asgi_routes=routes, logger=None)
