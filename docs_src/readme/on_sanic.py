from sanic import HTTPResponse, Request, Sanic, empty

from anystream.asgi import make_ping_asgi
from anystream.sanic import get_broker, setup
from docs_src.readme.stream import broker, stream

app = Sanic("orders")


@app.post("/orders")
async def order(request: Request) -> HTTPResponse:
    await get_broker(request).publish(request.json, "orders")
    return empty(202)


setup(app, stream, asgi_routes=[("/health", make_ping_asgi(broker, timeout=5.0))])
