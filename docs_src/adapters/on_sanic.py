from typing import Any

from sanic import Blueprint, HTTPResponse, Request, Sanic, empty

from anystream.asgi import make_ping_asgi
from anystream.sanic import get_broker, setup
from docs_src.adapters.streams import Audit, make_stream


async def order(request: Request, item: str) -> HTTPResponse:
    await get_broker(request).publish(item, "orders")
    return empty(202)


async def audit(request: Request, item: str) -> HTTPResponse:
    await get_broker(request, Audit).publish(item, "audit")
    return empty(202)


async def socket(request: Request, ws: Any) -> None:
    await request.app.ctx.anystream.broker.publish(await ws.recv(), "orders")
    await ws.send("published")


def make_app() -> Any:
    app = Sanic("shop")
    blueprint = Blueprint("audit", url_prefix="/audit")
    blueprint.add_route(audit, "/<item:str>", methods=["POST"])
    app.blueprint(blueprint)
    app.add_route(order, "/orders/<item:str>", methods=["POST"])
    app.add_websocket_route(socket, "/socket")
    stream = make_stream()
    setup(app, stream, asgi_routes=[("/health", make_ping_asgi(stream))])
    return app
