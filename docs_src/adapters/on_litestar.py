from typing import Any

from litestar import Litestar, Request, Router, WebSocket, post, websocket
from litestar.di import NamedDependency
from litestar.params import FromPath

from anystream.asgi import make_ping_asgi
from anystream.litestar import AnystreamPlugin, get_broker
from anystream.memory import MemoryBroker
from docs_src.adapters.streams import Audit, make_stream


@post("/orders/{item:str}", status_code=202)
async def order(item: FromPath[str], anystream: NamedDependency[MemoryBroker]) -> None:
    """The argument `anystream` is the first broker."""
    await anystream.publish(item, "orders")


@post("/{item:str}", status_code=202)
async def audit(item: FromPath[str], request: Request[Any, Any, Any]) -> None:
    await get_broker(request, Audit).publish(item, "audit")


@websocket("/socket")
async def socket(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await get_broker(socket).publish(await socket.receive_text(), "orders")
    await socket.send_text("published")
    await socket.close()


def make_app() -> Litestar:
    stream = make_stream()
    plugin = AnystreamPlugin(stream, asgi_routes=[("/health", make_ping_asgi(stream))])
    router = Router("/audit", route_handlers=[audit])
    return Litestar([order, router, socket], plugins=[plugin])
