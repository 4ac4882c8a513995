from aiohttp import web

from anystream.aiohttp import get_broker, setup
from anystream.asgi import make_ping_asgi
from docs_src.readme.stream import broker, stream


async def order(request: web.Request) -> web.Response:
    await get_broker(request).publish(await request.json(), "orders")
    return web.Response(status=202)


app = web.Application()
app.router.add_post("/orders", order)
setup(app, stream, asgi_routes=[("/health", make_ping_asgi(broker, timeout=5.0))])
