from aiohttp import web

from anystream.aiohttp import STREAM, get_broker, setup
from anystream.asgi import make_ping_asgi
from docs_src.adapters.streams import Audit, make_stream


async def order(request: web.Request) -> web.Response:
    await get_broker(request).publish(request.match_info["item"], "orders")
    return web.Response(status=202)


async def audit(request: web.Request) -> web.Response:
    """In a sub-application: `get_broker(request)` looks in the outer ones, too."""
    await get_broker(request, Audit).publish(request.match_info["item"], "audit")
    return web.Response(status=202)


async def socket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await request.config_dict[STREAM].broker.publish(message.data, "orders")
        await ws.send_str("published")
    return ws


def make_app() -> web.Application:
    app, sub = web.Application(), web.Application()
    sub.router.add_post("/{item}", audit)
    app.add_subapp("/audit", sub)
    app.router.add_post("/orders/{item}", order)
    app.router.add_get("/socket", socket)
    stream = make_stream()
    setup(app, stream, asgi_routes=[("/health", make_ping_asgi(stream))])  # last
    return app
