"""An ASGI callable that shows, over HTTP, what a mount gave it; and a child process to serve it.

`python -m tests.adapters.mounted_probe aiohttp 8123` serves it at `/mnt`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from anystream.asgi.types import Receive, Scope, Send
from tests.recording_broker import RecordingBroker

CHUNK = b"x" * 65536
seen: dict[str, Any] = {"flooded": 0, "events": [], "running": 0, "peak": 0}


async def probe(scope: Scope, receive: Receive, send: Send) -> None:
    """Does what the last part of the path says."""
    if scope["type"] == "websocket":
        await websocket(scope, receive, send)
        return
    action = ACTIONS.get(scope["path"].rpartition("/")[2], show_scope)
    await action(scope, receive, send)


async def answer(send: Send, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await begin(send, *headers)
    await send({"type": "http.response.body", "body": body})


async def begin(send: Send, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})


async def show_scope(scope: Scope, receive: Receive, send: Send) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return value

    keys = ("type", "method", "path", "raw_path", "root_path", "query_string", "headers")
    keys += ("client", "server", "scheme", "http_version")
    shown = {key: plain(scope[key]) for key in keys}
    await answer(send, json.dumps(shown).encode(), (b"content-type", b"application/json"))


async def state(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, json.dumps(seen).encode())


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await begin(send)
    while (message := await receive())["type"] == "http.request":
        if message["body"]:
            more = {"body": message["body"].upper(), "more_body": True}
            await send({"type": "http.response.body", **more})
        if not message["more_body"]:
            break
    await send({"type": "http.response.body"})


async def twice(scope: Scope, receive: Receive, send: Send) -> None:
    cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-name", "é".encode())]
    await answer(send, b"ok", *cookies, (b"content-type", b"text/x-own"))


async def flood(scope: Scope, receive: Receive, send: Send) -> None:
    await begin(send)
    for _ in range(2000):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        seen["flooded"] += 1
    await send({"type": "http.response.body"})


async def head_only(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends its head and then nothing, until the client leaves."""
    await begin(send)
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    await wait_for_disconnect(scope, receive, send)


async def wait_for_disconnect(scope: Scope, receive: Receive, send: Send) -> None:
    seen["events"].append("waiting")
    while (message := await receive())["type"] != "http.disconnect":
        seen["events"].append(len(message["body"]))
    await asyncio.sleep(0)
    try:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        seen["events"].append("sent")
    except OSError:
        seen["events"].append("http.disconnect")


async def fail_early(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("early")


async def fail_late(scope: Scope, receive: Receive, send: Send) -> None:
    await begin(send)
    await send({"type": "http.response.body", "body": b"part", "more_body": True})
    raise RuntimeError("late")


async def fail_late_sized(scope: Scope, receive: Receive, send: Send) -> None:
    await begin(send, (b"content-length", b"100"))
    await send({"type": "http.response.body", "body": b"part", "more_body": True})
    raise RuntimeError("late")


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def background(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"done")
    while "release" not in seen["events"]:
        await asyncio.sleep(0.01)
    seen["events"].append("background")


async def release(scope: Scope, receive: Receive, send: Send) -> None:
    seen["events"].append("release")
    await answer(send, b"")


async def reset(scope: Scope, receive: Receive, send: Send) -> None:
    seen.update(flooded=0, events=[], running=0, peak=0)
    await answer(send, b"")


async def sized(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"hello", (b"content-length", b"5"), (b"x-own", b"1"))


async def no_content(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body"})


async def together(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers only when 20 of its kind run at once."""
    seen["running"] += 1
    seen["peak"] = max(seen["peak"], seen["running"])
    while seen["peak"] < 20:
        await asyncio.sleep(0.01)
    await answer(send, b"ok")


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    action = scope["path"].rpartition("/")[2]
    await receive()
    if action == "refuse":
        await send({"type": "websocket.close", "code": 4000})
        return
    if action == "deny":
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"who?"})
        return
    if action == "broken":
        raise RuntimeError("before the handshake")
    wanted = scope["subprotocols"][-1:] or [None]
    await send({"type": "websocket.accept", "subprotocol": wanted[0]})
    if action == "greet":
        await send({"type": "websocket.send", "text": scope["root_path"] + scope["path"]})
        await send({"type": "websocket.close", "code": 3005, "reason": "enough"})
    elif action == "fail":
        raise RuntimeError("after the handshake")
    elif action != "leave":
        await websocket_echo(receive, send)


async def websocket_echo(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "slow":
            await asyncio.sleep(0.2)
        seen["events"].append(str(message.get("text")))
        try:
            await send({**message, "type": "websocket.send"})
        except OSError:
            seen["events"].append("unsent")
    seen["events"].append([message["type"], message["code"], message.get("reason")])


ACTIONS: dict[str, Any] = {
    "state": state,
    "echo": echo,
    "twice": twice,
    "flood": flood,
    "head_only": head_only,
    "wait": wait_for_disconnect,
    "fail_early": fail_early,
    "fail_late": fail_late,
    "fail_late_sized": fail_late_sized,
    "silent": silent,
    "background": background,
    "release": release,
    "reset": reset,
    "sized": sized,
    "no_content": no_content,
    "together": together,
}


class Exact:
    """An endpoint of one path."""

    exact = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, f"exact {scope['path']} {scope['root_path']}".encode())


def routes() -> list[tuple[str, Any]]:
    from prometheus_client import make_asgi_app

    return [
        ("/mnt", probe),
        ("/mnt/deeper", probe),
        ("/exact", Exact()),
        ("/mnt/exact", Exact()),
        ("/metrics", make_asgi_app()),
    ]


def aiohttp_app() -> Any:
    from aiohttp import web

    from anystream.aiohttp import setup

    async def catch_all(request: web.Request) -> web.Response:
        return web.Response(text="catch-all")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", catch_all)
    setup(app, RecordingBroker(), asgi_routes=routes())
    return app


def sanic_app() -> Any:
    from sanic import Sanic, text

    from anystream.sanic import setup

    app: Any = Sanic("mounted_probe")
    app.config.OAS = False

    async def catch_all(request: Any, path: str) -> Any:
        return text("catch-all")

    app.add_route(catch_all, "/<path:path>", methods=["GET", "POST"])
    setup(app, RecordingBroker(), asgi_routes=routes())
    return app


def main(host: str, port: int) -> None:
    if host == "aiohttp":
        from aiohttp import web

        web.run_app(aiohttp_app(), host="127.0.0.1", port=port, print=None)
    elif host == "sanic":
        sanic_app().run(host="127.0.0.1", port=port, single_process=True, motd=False)
    else:
        import uvicorn

        uvicorn.run(sanic_app(), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
