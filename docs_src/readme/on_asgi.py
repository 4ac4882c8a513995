from anystream.asgi import AsgiResponse, make_ping_asgi, post
from anystream.asgi.annotations import Request
from docs_src.readme.stream import broker, stream


@post
async def order(request: Request) -> AsgiResponse:
    await broker.publish(await request.json(), "orders")
    return AsgiResponse(status_code=202)


health = ("/health", make_ping_asgi(broker, timeout=5.0))
app = stream.as_asgi(asgi_routes=[("/orders", order), health])
