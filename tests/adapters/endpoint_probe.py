"""Endpoints of every kind in aiohttp or Sanic; takes the host's name and a port."""

import sys
from typing import Any

from anystream.asgi import AsgiResponse, Header, JSONResponse, get, make_ping_asgi, post
from anystream.asgi.types import Receive, Scope, Send
from tests.recording_broker import RecordingBroker


@get
async def nothing() -> Any:
    return AsgiResponse(b"hello", headers=[("x-a", "1"), ("x-a", "2")])


@get
async def scope_only(scope: Any) -> Any:
    return JSONResponse([scope["path"], scope["query_string"].decode(), scope["root_path"]])


@get
async def injected(name: str = Header("x-name")) -> Any:
    return AsgiResponse(name.encode())


@get
async def streamed() -> Any:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one ", b"two ", scope["path"].encode()):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return stream


@get
async def broken() -> Any:
    raise ValueError("broken on purpose")


@post
async def posted() -> Any:
    return AsgiResponse(b"posted", 201)


def routes(broker: Any) -> list[tuple[str, Any]]:
    return [
        ("/ping", make_ping_asgi(broker)),
        ("/nothing", nothing),
        ("/nothing", posted),
        ("/scope", scope_only),
        ("/injected", injected),
        ("/streamed", streamed),
        ("/broken", broken),
    ]


def main(host: str, port: int) -> None:
    broker = RecordingBroker()
    if host == "aiohttp":
        from aiohttp import web

        from anystream.aiohttp import setup

        inner, outer = web.Application(), web.Application()
        setup(inner, broker, asgi_routes=routes(broker))
        outer.add_subapp("/sub", inner)
        web.run_app(outer, host="127.0.0.1", port=port, print=None)
    else:
        from sanic import Sanic

        from anystream.sanic import setup

        app: Any = Sanic("endpoint_probe")
        app.config.OAS = False
        setup(app, broker, asgi_routes=[("/sub" + path, each) for path, each in routes(broker)])
        app.run(host="127.0.0.1", port=port, single_process=True, motd=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
